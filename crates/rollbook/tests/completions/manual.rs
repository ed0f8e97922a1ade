//! By hand: one completion that a person names, and history that is marked.

use crate::world::{COURSE, Stage, minutes};
use rollbook_core::model::{ElmCourseId, EnrolmentId};
use rollbook_sync::flows::completions::{ManualError, ManualReport, prepare_manual, send_manual};
use tokio_util::sync::CancellationToken;

fn named(user: &str) -> ManualReport {
    let course = ElmCourseId::new(COURSE.to_string());
    ManualReport { user: user.into(), course, date: None, enrolment: None, author: "ann".into() }
}

async fn send(stage: &Stage, named: &ManualReport) -> Result<u64, ManualError> {
    let prepared = prepare_manual(&stage.flow, &stage.journal, &stage.clock, named).await?;
    assert_eq!(prepared.plan.skips, []);
    let stop = CancellationToken::new();
    Ok(send_manual(&stage.flow, &stage.journal, &stage.clock, &prepared, "ann", &stop).await?.accepted)
}

#[tokio::test]
async fn completion_is_sent_by_hand_before_its_time_and_not_twice() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..3).await;
    learners.iter().for_each(|learner| stage.complete(learner, 3));
    for word in ["GUID000001", "person.2@example.org"] {
        assert_eq!(send(&stage, &named(word)).await.unwrap(), 1);
    }
    let again = prepare_manual(&stage.flow, &stage.journal, &stage.clock, &named("GUID000001")).await.unwrap();
    assert_eq!(again.plan.skips[0].why.code(), "already_reported");
    stage.pass(minutes(5));
    assert_eq!(stage.run().await.queued, 0, "the run knows what was sent by hand");
    assert_eq!(stage.enrolments().len(), 2);
}

#[tokio::test]
async fn day_and_enrolment_of_a_human_count_where_nothing_else_is_known() {
    let stage = Stage::new().await;
    stage.enrol(1..2).await;
    let error = send(&stage, &named("GUID000001")).await.unwrap_err();
    assert!(matches!(error, ManualError::NotCompleted { .. }), "{error}");
    let date = Some(jiff::civil::date(2026, 10, 5));
    let enrolment = Some(EnrolmentId::new("4711"));
    assert_eq!(send(&stage, &ManualReport { date, enrolment, ..named("GUID000001") }).await.unwrap(), 1);
    let body = stage.received().remove(0);
    assert_eq!(
        (body["COURSE_COMPLETE_DATE"].as_str(), body["ENROLMENT_ID"].as_i64()),
        (Some("2026-10-05"), Some(4711))
    );
}

#[tokio::test]
async fn unclear_word_is_refused_with_what_was_found() {
    let stage = Stage::new().await;
    stage.enrol(1..2).await;
    let error = send(&stage, &named("nobody")).await.unwrap_err();
    assert_eq!(error.to_string(), "no Moodle account is called nobody");
    let course = ElmCourseId::new("12");
    let error = send(&stage, &ManualReport { course, ..named("GUID000001") }).await.unwrap_err();
    assert_eq!(error.to_string(), "no Moodle course has the ID number 12");
}
