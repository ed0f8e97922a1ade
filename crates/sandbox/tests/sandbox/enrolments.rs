//! Manual enrolment.

use crate::client::{Client, code, enrolments};
use rollbook_sandbox::{MOODLE_TOKEN, World};
use serde_json::Value;

const ENROL: &str = "enrol_manual_enrol_users";

#[tokio::test]
async fn suspending_somebody_not_enrolled_creates_a_suspended_enrolment_with_the_role() {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "Course");
    let client = Client::over(world).await;
    let form = enrolments(&[(user, course)], &[("suspend", "1")]);
    assert_eq!(
        client.call_as(MOODLE_TOKEN, ENROL, &form).await,
        Value::Null
    );
    let world = client.sandbox.world();
    assert!(
        world
            .moodle
            .enrolment(user, course)
            .expect("a row")
            .suspended
    );
    assert_eq!(world.moodle.assignments.len(), 1);
}

#[tokio::test]
async fn one_bad_element_rolls_the_whole_batch_back() {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "Course");
    let client = Client::over(world).await;
    for (bad, errorcode) in [
        ((999, course), "codingerror"),
        ((user, 999), "invalidparameter"),
        ((user, 1), "wsnoinstance"),
    ] {
        let form = enrolments(&[(user, course), bad], &[]);
        let answer = client.call_as(MOODLE_TOKEN, ENROL, &form).await;
        assert_eq!(code(&answer), errorcode);
        assert!(client.sandbox.world().moodle.enrolments.is_empty());
    }
}

#[tokio::test]
async fn variables_past_the_limit_vanish_without_a_word() {
    let mut world = World::empty();
    let course = world.moodle.add_course("100", "Course");
    let pairs: Vec<(i64, i64)> = (0..1700)
        .map(|at| {
            let email = format!("u{at}@example.org");
            (
                world.moodle.add_user(&format!("U{at}"), &email, "U", "U"),
                course,
            )
        })
        .collect();
    let client = Client::over(world).await;
    let answer = client
        .call_as(MOODLE_TOKEN, ENROL, &enrolments(&pairs, &[]))
        .await;
    assert_eq!(answer, Value::Null);
    assert_eq!(client.sandbox.world().moodle.enrolments.len(), 1666);
}
