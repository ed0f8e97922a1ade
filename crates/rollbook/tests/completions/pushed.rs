//! Way (c): a signed event wakes a check of the person and course that it names, and proves nothing by itself.

use crate::world::{COURSE, Learner, Stage, done, minutes};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use rollbook_settings::link::Push;
use rollbook_sync::flows::completions::{FoundBy, Purpose, Reach};
use rollbook_web::events::completion::{CompletionEvents, PATH, receive_completion, receive_moodle, sign};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tower_service::Service as _;

const SECRET: &str = "a secret of some length";

/// Where Moodle's companion plugin sends its changes.
const MOODLE: &str = "/api/v1/events/moodle";

struct Gate {
    gate: Arc<CompletionEvents>,
    wake: Arc<Notify>,
}

impl Gate {
    fn of(stage: &Stage) -> Self {
        let push = Push { secret: SECRET.into(), window: Duration::from_secs(300) };
        let wake = Arc::new(Notify::new());
        let links = vec![(done(), push)];
        let gate = CompletionEvents::of(links, stage.journal.clone(), stage.clock.clone(), wake.clone());
        Self { gate: Arc::new(gate), wake }
    }

    async fn post(&self, secret: &str, seconds: i64, body: Vec<u8>) -> u16 {
        self.post_to(PATH, secret, seconds, body).await
    }

    async fn post_to(&self, path: &str, secret: &str, seconds: i64, body: Vec<u8>) -> u16 {
        let routes = Router::new().route(PATH, post(receive_completion)).route(MOODLE, post(receive_moodle));
        let mut router = routes.with_state(self.gate.clone());
        let mut request = Request::post(path);
        for (name, value) in sign(secret.as_bytes(), seconds, &body) {
            request = request.header(name, value);
        }
        router.call(request.body(Body::from(body)).unwrap()).await.unwrap().status().as_u16()
    }

    fn counts(&self) -> Vec<u64> {
        self.gate.counts().into_iter().map(|(_, count)| count).collect()
    }
}

fn event(learner: &Learner) -> Vec<u8> {
    json!({"user_id": learner.user, "course_id": learner.course}).to_string().into_bytes()
}

async fn stage(people: i64) -> (Stage, Vec<Learner>, Gate) {
    let mut stage = Stage::new().await;
    stage.flow.method = FoundBy::Push;
    let learners = stage.enrol(1..people + 1).await;
    let gate = Gate::of(&stage);
    (stage, learners, gate)
}

#[tokio::test]
async fn signed_event_wakes_a_check_of_that_person_and_course_only() {
    let (stage, learners, gate) = stage(3).await;
    learners.iter().for_each(|learner| stage.complete(learner, 3));
    let seconds = stage.clock.now().as_second();
    assert_eq!(gate.post(SECRET, seconds, event(&learners[1])).await, 202);
    gate.wake.notified().await;
    let report = stage.ask(Purpose::Apply, Reach::Pushed).await;
    assert_eq!((report.looks, report.queued), (1, 1));
    assert_eq!(stage.enrolments(), [learners[1].enrolment]);
    stage.sandbox.forget_calls();
    stage.ask(Purpose::Apply, Reach::Pushed).await;
    assert_eq!(stage.sandbox.calls().of("core_completion_get_course_completion_status"), 0, "looked into once");
}

#[tokio::test]
async fn event_about_nobody_who_completed_reports_nothing() {
    let (stage, learners, gate) = stage(1).await;
    let seconds = stage.clock.now().as_second();
    let strangers = [
        json!({"user_id": learners[0].user, "course_id": learners[0].course}),
        json!({"user_id": 999_999, "course_id": 999_999}),
    ];
    for body in strangers {
        assert_eq!(gate.post(SECRET, seconds, body.to_string().into_bytes()).await, 202);
    }
    assert_eq!(stage.ask(Purpose::Apply, Reach::Pushed).await.queued, 0);
    assert!(stage.received().is_empty());
}

#[tokio::test]
async fn wrong_signature_old_time_replay_and_ten_megabytes_leave_nothing_but_a_count() {
    let (stage, learners, gate) = stage(1).await;
    let seconds = stage.clock.now().as_second();
    let body = event(&learners[0]);
    assert_eq!(gate.post("another secret", seconds, body.clone()).await, 401);
    assert_eq!(gate.post(SECRET, seconds - 301, body.clone()).await, 401);
    assert_eq!(gate.post(SECRET, seconds + 301, body.clone()).await, 401);
    assert_eq!(gate.post(SECRET, seconds, vec![b' '; 10 * 1024 * 1024]).await, 413);
    assert_eq!(gate.post(SECRET, seconds, b"{\"user_id\":\"42\"}".to_vec()).await, 400);
    assert!(stage.journal.completions().pending_events(&done(), 9).await.unwrap().is_empty());
    assert_eq!(gate.post(SECRET, seconds, body.clone()).await, 202);
    assert_eq!(gate.post(SECRET, seconds, body.clone()).await, 409);
    stage.ask(Purpose::Apply, Reach::Pushed).await;
    stage.pass(minutes(4));
    assert_eq!(gate.post(SECRET, seconds, body).await, 409, "also after it was looked into");
    assert_eq!(gate.counts(), [1, 2, 3, 1, 1]);
}

#[tokio::test]
async fn moodles_own_words_are_understood() {
    let (stage, learners, gate) = stage(1).await;
    let body = json!({"relateduserid": learners[0].user, "courseid": learners[0].course, "eventname": "x"});
    let seconds = stage.clock.now().as_second();
    assert_eq!(gate.post(SECRET, seconds, body.to_string().into_bytes()).await, 202);
}

#[tokio::test]
async fn event_before_moodle_shows_the_completion_is_not_the_last_word() {
    let mut stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    let gate = Gate::of(&stage);
    let seconds = stage.clock.now().as_second();
    assert_eq!(gate.post(SECRET, seconds, event(&learners[0])).await, 202);
    assert_eq!(stage.run().await.queued, 0);
    stage.complete(&learners[0], 0);
    stage.pass(minutes(5));
    stage.flow.method = FoundBy::Poll;
    assert_eq!(stage.run().await.queued, 1, "polling finds it in its turn");
}

#[tokio::test]
async fn events_of_one_person_are_looked_into_course_by_course_hidden_or_not() {
    let (stage, learners, gate) = stage(1).await;
    let hidden = stage.add_course(COURSE + 1);
    stage.sandbox.world().moodle.courses.edit(hidden, |course| course.visible = false);
    let second = stage.enrol_in(1..2, COURSE + 1).await;
    for learner in [learners[0], second[0]] {
        stage.complete(&learner, 3);
        assert_eq!(gate.post(SECRET, stage.clock.now().as_second(), event(&learner)).await, 202);
    }
    let report = stage.ask(Purpose::Apply, Reach::Pushed).await;
    assert_eq!((report.looks, report.queued), (2, 2));
}

/// All ways feed one outbox.
#[tokio::test]
async fn completion_that_every_way_shows_is_one() {
    let (mut stage, learners, gate) = stage(2).await;
    let tables = crate::tables::Tables::new(crate::tables::Server::Sqlite).await;
    tables.course(learners[0].course, &COURSE.to_string(), Some(1)).await;
    for learner in &learners {
        tables.user(learner.user, &format!("GUID{:06}", learner.enrolment - 1_000_000)).await;
        stage.complete(learner, 3);
        tables.complete(learner.user, learner.course, Some(stage.clock.now() - minutes(3))).await;
    }
    assert_eq!(gate.post(SECRET, stage.clock.now().as_second(), event(&learners[0])).await, 202);
    assert_eq!(stage.ask(Purpose::Apply, Reach::Pushed).await.queued, 1);
    stage.flow.method = FoundBy::Poll;
    assert_eq!(stage.run().await.queued, 1, "the other one");
    stage.flow.method = FoundBy::Database(tables.open());
    let report = stage.ask(Purpose::Apply, Reach::Full).await;
    assert_eq!((report.seen, report.known, report.queued), (2, 2, 0));
    stage.pass(minutes(1));
    assert_eq!(gate.post(SECRET, stage.clock.now().as_second(), event(&learners[1])).await, 202);
    stage.flow.method = FoundBy::Push;
    assert_eq!(stage.ask(Purpose::Apply, Reach::Pushed).await.queued, 0);
    assert_eq!(stage.enrolments().len(), 2);
}

#[tokio::test]
async fn changes_of_the_companion_plugin_check_each_completion_among_them() {
    let (stage, learners, gate) = stage(3).await;
    learners.iter().for_each(|learner| stage.complete(learner, 3));
    let seconds = stage.clock.now().as_second();
    let change = |kind: &str, learner: &Learner| json!({"id": 17, "kind": kind, "what": "completed", "at": seconds, "user_id": learner.user, "course_id": learner.course});
    let changes =
        [change("completion", &learners[0]), change("enrolment", &learners[1]), change("completion", &learners[2])];
    let body = json!({"version": 1, "site": "https://moodle.example.org", "sent": seconds, "changes": changes});
    assert_eq!(gate.post_to(MOODLE, SECRET, seconds, body.to_string().into_bytes()).await, 202);
    let report = stage.ask(Purpose::Apply, Reach::Pushed).await;
    assert_eq!(report.looks, 2, "the two completions, and nothing else");
    let test = json!({"version": 1, "changes": []}).to_string().into_bytes();
    assert_eq!(gate.post_to(MOODLE, SECRET, seconds, test).await, 202);
    assert_eq!(gate.post_to(MOODLE, SECRET, seconds, b"{}".to_vec()).await, 400);
    assert_eq!(gate.post_to(MOODLE, "another secret", seconds, b"{\"changes\":[]}".to_vec()).await, 401);
}
