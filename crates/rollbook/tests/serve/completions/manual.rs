//! Completions that people ask for on a page: each is a request row, which a worker carries out.

use super::{COURSE, FIRST_ENROLMENT, enrolled};
use crate::world::{link, run_now};
use rollbook_core::model::{ElmCourseId, EnrolmentId};
use rollbook_journal::PushedEvent;
use rollbook_journal::requests::{Job, JobOutcome, NamedCompletion, RequestState};
use rollbook_sandbox::{Fault, Kind, Target};

fn named(user: &str) -> NamedCompletion {
    NamedCompletion { user: user.to_owned(), course: ElmCourseId::new(COURSE.to_string()), date: None, enrolment: None }
}

fn preview(named: NamedCompletion) -> Job {
    Job::PreviewCompletion { link: link("done"), named }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preview_shows_the_body_and_sends_nothing_then_send_sends_exactly_that() {
    let scene = enrolled("").await;
    let node = scene.node_now();
    scene.complete("ann");
    let Some(JobOutcome::Completion(card)) = scene.ask(&node, &preview(named("ANN"))).await.answer else {
        panic!("no card")
    };
    assert_eq!((scene.reported(), scene.completions().await.len()), (vec![], 0));
    let send = Job::SendCompletion { link: link("done"), named: named("ANN") };
    let Some(JobOutcome::Reported(sent)) = scene.ask(&node, &send).await.answer else { panic!("not sent") };
    assert_eq!((sent.queued, sent.accepted), (1, 1));
    assert_eq!(card.body, Some(scene.sandbox.world().elm.completions[0].body.clone()));
    assert_eq!(card.enrolment, Some(EnrolmentId::new(FIRST_ENROLMENT.to_string())));
    let again = scene.ask(&node, &send).await;
    assert_eq!(again.state, RequestState::Failed, "{again:?}");
    let Some(JobOutcome::Completion(card)) = scene.ask(&node, &preview(named("ANN"))).await.answer else {
        panic!("no card")
    };
    assert!(card.body.is_none() && card.why_not.unwrap().contains("reported"), "it was sent already");
    let nobody = scene.ask(&node, &preview(named("nobody"))).await;
    let Some(JobOutcome::Failed { words, .. }) = nobody.answer else { panic!("{nobody:?}") };
    assert!(words.contains("no Moodle account is called nobody"), "{words}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_report_is_sent_again_by_its_number_and_history_is_marked() {
    let scene = enrolled("").await;
    let node = scene.node_now();
    scene.complete("ann");
    scene.sandbox.faults().arm(Fault::nth(Target::Completion, 1, Kind::HttpBeforeEffect(422)));
    scene.ask(&node, &run_now("done")).await;
    let number = scene.completions().await[0].report.as_ref().unwrap().id;
    let retry = |reports: Vec<i64>| Job::RetryCompletions { link: link("done"), reports };
    let unknown = scene.ask(&node, &retry(vec![999])).await;
    assert_eq!(unknown.state, RequestState::Failed);
    let Some(JobOutcome::Reported(again)) = scene.ask(&node, &retry(vec![number])).await.answer else {
        panic!("not sent")
    };
    assert_eq!((again.accepted, scene.reported()), (1, vec![FIRST_ENROLMENT]));
    assert!(scene.asked().await.is_empty());

    // Enrolled by hand in Moodle: it waits for an enrolment id, and is marked as reported elsewhere.
    {
        let mut world = scene.sandbox.world();
        let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
        let user = world.moodle.add_user("ZOE", "zoe@example.org", "Zoe", "Person");
        world.moodle.enrol(user, course);
    }
    let zoe = scene.complete("zoe");
    let event = PushedEvent { signature: "a".repeat(64), user: zoe.user, course: zoe.course };
    let now = node.clock.now();
    scene
        .journal
        .completions()
        .accept_event(&link("done"), &event, now - jiff::SignedDuration::from_hours(1), now)
        .await
        .unwrap();
    scene.ask(&node, &Job::CheckCompletions { link: link("done") }).await;
    let waiting = scene.completions().await.into_iter().find(|row| row.standing == "waiting").unwrap();
    assert_eq!((waiting.seen.key, waiting.code.as_str()), (zoe, "no_enrolment_record"));
    let mark = Job::MarkCompletions { link: link("done"), completions: vec![waiting.seen.key] };
    assert_eq!(scene.ask(&node, &mark).await.answer, Some(JobOutcome::Marked { marked: 1, known: 0 }));
    scene.ask(&node, &run_now("done")).await;
    assert_eq!(scene.reported(), [FIRST_ENROLMENT], "what is marked is never sent");
    assert!(scene.asked().await.is_empty(), "{:?}", scene.asked().await);
    scene.end().await;
}
