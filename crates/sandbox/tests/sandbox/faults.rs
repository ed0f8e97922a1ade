//! Faults.

use crate::client::{Client, code, enrolments};
use rollbook_sandbox::{Fault, Kind, MOODLE_TOKEN, Target, World};

const ENROL: &str = "enrol_manual_enrol_users";
const TARGET: Target = Target::Moodle(Some(ENROL));

async fn prepared() -> (Client, Vec<(String, String)>) {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "Course");
    (Client::over(world).await, enrolments(&[(user, course)], &[]))
}

#[tokio::test]
async fn connections_break_before_or_after_the_effect() {
    for (kind, effects) in [(Kind::RefuseConnection, 0), (Kind::ResetAfterEffect, 1), (Kind::ResetMidBody, 1)] {
        let (client, form) = prepared().await;
        client.sandbox.faults().arm(Fault::nth(TARGET, 1, kind));
        let answer = client.post(MOODLE_TOKEN, ENROL, &form).await;
        let body = match answer {
            Ok(response) => response.text().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "{kind:?}");
        assert_eq!(client.sandbox.world().moodle.enrolments.len(), effects, "{kind:?}");
        assert_eq!(client.sandbox.faults().fired().len(), 1);
        let again = client.call_as(MOODLE_TOKEN, ENROL, &form).await;
        assert!(again.is_null(), "only the first call fails");
    }
}

#[tokio::test]
async fn answers_are_spoilt_before_or_after_the_effect() {
    for (kind, status, effects) in [
        (Kind::HttpBeforeEffect(502), 502, 0),
        (Kind::HttpAfterEffect(504), 504, 1),
        (Kind::Html200, 200, 0),
        (Kind::EmptyBody200, 200, 1),
        (Kind::TruncatedJson, 200, 1),
        (Kind::ExceptionIn200 { errorcode: "dmlwriteexception" }, 200, 0),
        (Kind::ExceptionAfterEffect { errorcode: "dmlwriteexception" }, 200, 1),
    ] {
        let (client, form) = prepared().await;
        client.sandbox.faults().arm(Fault::every(TARGET, kind));
        let answer = client.post(MOODLE_TOKEN, ENROL, &form).await.expect("an answer");
        assert_eq!(answer.status(), status, "{kind:?}");
        let body = answer.text().await.expect("a body");
        assert_eq!(client.sandbox.world().moodle.enrolments.len(), effects, "{kind:?}");
        match kind {
            Kind::EmptyBody200 => assert_eq!(body, ""),
            Kind::ExceptionIn200 { .. } | Kind::ExceptionAfterEffect { .. } => {
                let json = serde_json::from_str(&body).expect("JSON");
                assert_eq!(code(&json), "dmlwriteexception");
            }
            _ => assert!(serde_json::from_str::<serde_json::Value>(&body).is_err()),
        }
    }
}

#[tokio::test]
async fn a_client_that_gives_up_finds_the_work_done_or_not() {
    for (kind, effects) in [(Kind::TimeoutBeforeEffect, 0), (Kind::TimeoutAfterEffect, 1)] {
        let (client, form) = prepared().await;
        client.sandbox.faults().arm(Fault::every(TARGET, kind));
        let call = client.post(MOODLE_TOKEN, ENROL, &form);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(700), call).await;
        assert!(waited.is_err(), "no answer may come");
        assert_eq!(client.sandbox.world().moodle.enrolments.len(), effects, "{kind:?}");
    }
}
