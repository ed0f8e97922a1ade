//! What waits for a human because of completions: a form for the enrolment id, and "try again" that truly tries again.

use super::{COURSE, FIRST_ENROLMENT, PEOPLE, enrolled};
use crate::world::{Scene, link, run_now};
use rollbook_core::model::EnrolmentId;
use rollbook_journal::requests::{Attended, AttentionAct, Job, JobOutcome, RequestState};
use rollbook_sandbox::{Fault, Kind, Target};
use rollbook_sync::scheduler::Node;

async fn try_again(scene: &Scene, node: &Node, item: i64) -> Attended {
    let act = AttentionAct::TryAgain { reason: "the ELM was mended".to_owned() };
    let request = scene.ask(node, &Job::Attend { link: link("done"), item, act }).await;
    match request.answer {
        Some(JobOutcome::Attended(attended)) => attended,
        other => panic!("{other:?}"),
    }
}

/// What people did, as the journal tells it.
async fn acts(scene: &Scene) -> Vec<(String, String)> {
    let sql = "SELECT author || ': ' || (payload ->> 'act') FROM event WHERE kind = 'acted' ORDER BY id";
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(
        &scene.folder.path().join("rollbook.sqlite").display().to_string(),
    )
    .await
    .unwrap();
    let lines: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    lines.iter().filter_map(|line| line.split_once(": ")).map(|(by, act)| (by.to_owned(), act.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn try_again_sends_a_refused_report_once_more_as_the_act_of_a_person() {
    let scene = enrolled("").await;
    let node = scene.node_now();
    scene.complete("ann");
    scene.sandbox.faults().arm(Fault::nth(Target::Completion, 1, Kind::HttpBeforeEffect(422)));
    scene.ask(&node, &run_now("done")).await;
    let asked = scene.asked().await;
    assert_eq!((asked.len(), asked[0].kind.as_str(), scene.reported()), (1, "completion_refused", vec![]));
    let attended = try_again(&scene, &node, asked[0].id).await;
    assert_eq!((attended.records, attended.ran.is_some()), (1, true));
    assert_eq!(scene.reported(), [FIRST_ENROLMENT], "sent at once, and once");
    assert!(scene.asked().await.is_empty());
    let closed = scene.journal.attention().find(asked[0].id).await.unwrap();
    let expected = ("try again".to_owned(), "jo".to_owned(), "the ELM was mended".to_owned());
    assert_eq!(closed.resolution, Some(expected));
    let acts = acts(&scene).await;
    let jo = |act: &str| ("jo".to_owned(), act.to_owned());
    assert!(acts.contains(&jo("try again")) && acts.contains(&jo("send the report again")), "{acts:?}");
    scene.ask(&node, &run_now("done")).await;
    assert_eq!(scene.reported().len(), 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn try_again_that_is_refused_again_asks_again() {
    let scene = enrolled("").await;
    let node = scene.node_now();
    scene.complete("ann");
    scene.sandbox.faults().arm(Fault::every(Target::Completion, Kind::HttpBeforeEffect(422)));
    scene.ask(&node, &run_now("done")).await;
    let first = scene.asked().await.remove(0);
    try_again(&scene, &node, first.id).await;
    let second = scene.asked().await;
    assert!(second.len() == 1 && second[0].id != first.id, "{second:?}");
    assert_eq!(scene.sandbox.calls().of("completion"), 2);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn try_again_of_an_elm_that_denied_everything_sends_all_at_once() {
    let scene = enrolled("").await;
    let node = scene.node_now();
    for name in PEOPLE {
        scene.complete(name);
    }
    scene.sandbox.faults().arm(Fault::every(Target::Completion, Kind::HttpBeforeEffect(401)));
    scene.ask(&node, &run_now("done")).await;
    let asked = scene.asked().await;
    assert_eq!((asked.len(), asked[0].kind.as_str()), (1, "completion_elm"), "{asked:?}");
    scene.sandbox.faults().clear();
    scene.ask(&node, &run_now("done")).await;
    assert_eq!(scene.reported(), [0; 0], "the ELM is left alone for a while");
    let attended = try_again(&scene, &node, asked[0].id).await;
    assert_eq!((attended.records, scene.reported().len()), (3, 3));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_without_enrolment_record_is_reported_by_the_id_that_a_person_supplies() {
    let scene = enrolled("").await;
    let node = scene.node_now();
    // Enrolled by hand in Moodle: intake knows nothing of it.
    let stranger = {
        let mut world = scene.sandbox.world();
        let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
        let user = world.moodle.add_user("ZOE", "zoe@example.org", "Zoe", "Person");
        world.moodle.enrol(user, course);
        user
    };
    let key = scene.complete("zoe");
    assert_eq!(key.user.0, stranger);
    let event = rollbook_journal::PushedEvent { signature: "a".repeat(64), user: key.user, course: key.course };
    let now = node.clock.now();
    scene
        .journal
        .completions()
        .accept_event(&link("done"), &event, now - jiff::SignedDuration::from_hours(1), now)
        .await
        .unwrap();
    for _ in 0..3 {
        scene.ask(&node, &Job::CheckCompletions { link: link("done") }).await;
    }
    let asked = scene.asked().await;
    assert_eq!((asked.len(), asked[0].kind.as_str()), (1, "completion_no_enrolment_record"), "{asked:?}");
    assert_eq!((scene.reported(), asked[0].evidence["takes_enrolment_id"].as_bool()), (vec![], Some(true)));
    let trying = try_again(&scene, &node, asked[0].id).await;
    assert_eq!((trying.records, scene.reported(), scene.asked().await.len()), (0, vec![], 1), "nothing on a guess");

    let supply =
        |id: &str| Job::SupplyEnrolment { link: link("done"), completion: key, enrolment: EnrolmentId::new(id) };
    scene.ask(&node, &supply("A-17")).await;
    let asked = scene.asked().await;
    assert_eq!((asked.len(), asked[0].kind.as_str()), (1, "completion_enrolment_id_not_a_number"), "{asked:?}");
    let request = scene.ask(&node, &supply("4711")).await;
    let Some(JobOutcome::Reported(reported)) = request.answer else { panic!("{request:?}") };
    assert_eq!((reported.accepted, scene.reported()), (1, vec![4711]));
    assert!(scene.asked().await.is_empty());
    let late = scene.ask(&node, &supply("4712")).await;
    assert_eq!((late.state, scene.reported()), (RequestState::Failed, vec![4711]), "once and no more");
    let kinds: Vec<String> = acts(&scene).await.into_iter().map(|(_, act)| act).collect();
    assert_eq!(kinds.iter().filter(|act| *act == "supply enrolment id").count(), 2, "{kinds:?}");
    scene.end().await;
}
