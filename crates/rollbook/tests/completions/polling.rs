//! Way (a): completions found by asking web services about the people who can have completed.

use crate::world::{COURSE, Stage, minutes, start};
use rollbook_core::run::RunState;
use rollbook_sandbox::{Fault, Kind, MOODLE_TOKEN, Target};
use rollbook_sync::flows::completions::{Purpose, Reach};
use serde_json::json;

const STATUS: &str = "core_completion_get_course_completion_status";
const COURSES: &str = "core_enrol_get_users_courses";

#[tokio::test]
async fn completion_is_reported_once_on_the_day_it_happened_in_the_links_zone() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..4).await;
    // 02:30 UTC is the evening before in Toronto.
    stage.complete(&learners[0], 9 * 60 + 30);
    let report = stage.run().await;
    assert_eq!((report.state, report.queued, report.delivered.accepted), (RunState::Done, 1, 1));
    let body = json!({
        "COURSE_COMPLETE_DATE": "2026-11-22", "COURSE_STATE": "Complete", "ENROLMENT_ID": learners[0].enrolment,
        "USER_STATE": "Active", "USER_EFFECTIVE_DATE": "2017-02-14", "COURSE_IDENTIFIER": COURSE,
        "COURSE_SHORTNAME": "ITEM-930001-1", "EMAIL": "Person.1@Example.org", "GUID": "GUID000001",
        "FIRST_NAME": "Given", "LAST_NAME": "Doe1",
    });
    assert_eq!(stage.received(), [body]);
    let key = stage.sandbox.world().elm.completions[0].idempotency_key.clone();
    assert!(key.is_some_and(|key| key.len() == 64));
    for _ in 0..3 {
        stage.pass(minutes(5));
        assert_eq!(stage.run().await.queued, 0);
    }
    assert_eq!(stage.enrolments().len(), 1);
}

#[tokio::test]
async fn polling_needs_no_more_calls_than_people_who_can_have_completed() {
    let stage = Stage::new().await;
    stage.add_course(COURSE + 1);
    let learners = stage.enrol(1..31).await;
    stage.enrol_in(1..11, COURSE + 1).await;
    let calls = || stage.sandbox.calls().of(STATUS) + stage.sandbox.calls().of(COURSES);
    assert_eq!(stage.run().await.looks, 40);
    assert_eq!(calls(), 30, "people with two courses are one call");

    stage.sandbox.forget_calls();
    learners[..20].iter().for_each(|learner| stage.complete(learner, 3));
    stage.pass(minutes(5));
    let report = stage.run().await;
    assert_eq!(report.queued, 20);
    assert!(calls() <= 40, "{} calls for 40 pairs of person and course", calls());

    stage.sandbox.forget_calls();
    stage.pass(minutes(5));
    stage.run().await;
    assert_eq!(calls(), 20, "who was reported is asked about no more: 10 with one course left, 10 with the other");
}

#[tokio::test]
async fn budget_of_calls_is_kept_and_everybody_gets_a_turn() {
    let mut stage = Stage::new().await;
    stage.flow.calls_max = 10;
    let learners = stage.enrol(1..31).await;
    stage.complete(&learners[29], 3);
    for _ in 0..3 {
        stage.sandbox.forget_calls();
        let report = stage.run().await;
        assert_eq!(stage.sandbox.calls().of(STATUS), 10);
        assert_eq!((report.state, report.gaps.len()), (RunState::Partly, 1));
        stage.pass(minutes(5));
    }
    assert_eq!(stage.enrolments(), [learners[29].enrolment]);
}

#[tokio::test]
async fn course_that_opts_in_later_reports_from_then_on() {
    let mut stage = Stage::new().await;
    stage.flow.policy.report_from = None;
    let learners = stage.enrol(1..3).await;
    stage.sandbox.world().moodle.courses.edit(learners[0].course, |course| course.opt_in = Some(false));
    stage.complete(&learners[0], 3);
    assert_eq!(stage.run().await.queued, 0);
    stage.pass(minutes(5));
    stage.sandbox.world().moodle.courses.edit(learners[0].course, |course| course.opt_in = Some(true));
    stage.complete(&learners[1], 1);
    stage.run().await;
    assert_eq!(stage.enrolments(), [learners[1].enrolment]);

    stage.pass(minutes(5));
    stage.flow.policy.report_from = Some(jiff::civil::date(2026, 11, 1));
    stage.sandbox.forget_calls();
    assert_eq!(stage.run().await.queued, 1, "a changed date weighs again what was skipped");
    assert_eq!(stage.sandbox.calls().of(STATUS), 0, "without asking for it again");
    assert_eq!(stage.enrolments(), [learners[1].enrolment, learners[0].enrolment]);
}

#[tokio::test]
async fn hidden_field_is_told_and_withdraws_nothing() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    stage.run().await;
    stage.complete(&learners[0], 3);
    stage.sandbox.world().moodle.opt_in_field.visibility = rollbook_sandbox::moodle::Visibility::Nobody;
    stage.pass(minutes(5));
    let report = stage.run().await;
    assert!(report.findings.iter().any(|finding| finding.check == "hidden_opt_ins"), "{:?}", report.findings);
    assert_eq!(stage.enrolments().len(), 1);
}

#[tokio::test]
async fn moodle_that_fails_half_way_loses_nothing_and_keeps_nothing_from_being_sent() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..21).await;
    learners.iter().for_each(|learner| stage.complete(learner, 3));
    let at = rollbook_sandbox::At::Nth(8);
    let target = Target::Moodle(Some(STATUS));
    // Two faults in a row, since a read is tried twice.
    stage.sandbox.faults().arm(Fault { target, at, kind: Kind::HttpBeforeEffect(502) });
    stage.sandbox.faults().arm(Fault { target, at: rollbook_sandbox::At::Nth(11), kind: Kind::HttpBeforeEffect(502) });
    let first = stage.run().await;
    assert!(first.delivered.accepted > 0);
    stage.sandbox.faults().clear();
    stage.pass(minutes(5));
    stage.run().await;
    let mut enrolments = stage.enrolments();
    enrolments.sort_unstable();
    assert_eq!(enrolments, learners.iter().map(|learner| learner.enrolment).collect::<Vec<_>>());
}

#[tokio::test]
async fn reports_are_sent_even_while_moodle_is_away() {
    let mut stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    stage.complete(&learners[0], 3);
    stage.flow.sending = rollbook_sync::flows::completions::Sending::Off;
    assert_eq!(stage.run().await.delivered.waiting, 1);
    stage.flow.sending = rollbook_sync::flows::completions::Sending::On;
    stage.sandbox.faults().arm(Fault::every(Target::Moodle(None), Kind::HttpBeforeEffect(503)));
    let request = rollbook_sync::flows::completions::CompletionsRequest {
        purpose: Purpose::Apply,
        reach: Reach::Usual,
        author: "test".into(),
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let failed =
        rollbook_sync::flows::completions::run_completions(&stage.flow, &stage.journal, &stage.clock, &request, &stop);
    assert!(failed.await.is_err());
    assert_eq!(stage.enrolments().len(), 1);
}

#[tokio::test]
async fn account_that_may_not_see_completions_is_told_so() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    stage.complete(&learners[0], 3);
    stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, "report/completion:view");
    let report = stage.run().await;
    assert_eq!((report.queued, report.gaps.len()), (0, 1), "{:?}", report.gaps);
    stage.sandbox.world().moodle.grant(MOODLE_TOKEN, "report/completion:view");
    stage.pass(minutes(5));
    assert_eq!(stage.run().await.queued, 1, "what was refused was not taken for a no");
}

/// Moodle leaves a hidden course out of a person's own list, and shows it to who asks for it directly.
#[tokio::test]
async fn completions_of_hidden_courses_are_found_for_people_with_several_courses_too() {
    let stage = Stage::new().await;
    let hidden = stage.add_course(COURSE + 1);
    stage.add_course(COURSE + 2);
    stage.sandbox.world().moodle.courses.edit(hidden, |course| course.visible = false);
    stage.enrol(1..3).await;
    let learners = stage.enrol_in(1..3, COURSE + 1).await;
    stage.enrol_in(1..2, COURSE + 2).await;
    learners.iter().for_each(|learner| stage.complete(learner, 3));
    assert_eq!(stage.run().await.queued, 2);
    let mut enrolments = stage.enrolments();
    enrolments.sort_unstable();
    assert_eq!(enrolments, [learners[0].enrolment, learners[1].enrolment]);
    let calls = stage.sandbox.calls();
    assert_eq!((calls.of(STATUS), calls.of(COURSES)), (3, 1), "no more calls than people in courses");
}

#[tokio::test]
async fn lost_right_is_told_for_people_with_several_courses_too() {
    let stage = Stage::new().await;
    stage.add_course(COURSE + 1);
    let learners = stage.enrol(1..2).await;
    stage.enrol_in(1..2, COURSE + 1).await;
    stage.complete(&learners[0], 3);
    stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, "report/completion:view");
    let report = stage.run().await;
    let told = report.gaps.iter().any(|gap| gap.to_string().contains("Moodle refuses to show"));
    assert!(report.queued == 0 && told, "{:?}", report.gaps);
    stage.sandbox.world().moodle.grant(MOODLE_TOKEN, "report/completion:view");
    stage.pass(minutes(5));
    assert_eq!(stage.run().await.queued, 1);
}

#[tokio::test]
async fn dry_run_shows_the_exact_body_and_records_nothing() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    stage.complete(&learners[0], 3);
    let shown = stage.ask(Purpose::DryRun, Reach::Usual).await;
    assert!(stage.received().is_empty() && stage.rows().await.is_empty());
    stage.run().await;
    let body = shown.plan.reports[0].body.clone();
    assert_eq!(stage.received(), [serde_json::from_str::<serde_json::Value>(&body).unwrap()]);
    assert!(
        body.starts_with(r#"{"COURSE_COMPLETE_DATE":"2026-11-23","COURSE_STATE":"Complete","ENROLMENT_ID":1000001,"#)
    );
}

#[tokio::test]
async fn second_completion_after_a_new_enrolment_is_reported_for_that() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    stage.complete(&learners[0], 3);
    stage.run().await;
    assert_eq!(stage.clock.now(), start());
    stage.pass(minutes(24 * 60));
    stage.sandbox.world().moodle.complete(learners[0].user, learners[0].course, stage.clock.now() - minutes(1));
    assert_eq!(stage.run().await.queued, 0, "one enrolment, one completion, whatever web services show");
}
