//! Completion as Moodle's web services tell it.

use crate::client::{Client, code};
use jiff::Timestamp;
use rollbook_sandbox::{Clock, MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, World};
use serde_json::{Value, json};

const STATUS: &str = "core_completion_get_course_completion_status";
const COURSES: &str = "core_enrol_get_users_courses";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

async fn one_learner() -> (Client, i64, i64) {
    let mut world = World::empty();
    world.clock = Clock::Fixed(at(1_000_000));
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "C");
    world.moodle.enrol(user, course);
    (Client::over(world).await, user, course)
}

async fn status(client: &Client, user: i64, course: i64) -> Value {
    let (user, course) = (user.to_string(), course.to_string());
    client.call(STATUS, &[("courseid", &course), ("userid", &user)]).await
}

#[tokio::test]
async fn a_course_is_complete_only_after_the_cron_and_at_the_time_of_its_criterion() {
    let (client, user, course) = one_learner().await;
    client.sandbox.world().moodle.queue_completion(user, course, 900_000);
    let answer = status(&client, user, course).await;
    assert_eq!(answer["completionstatus"]["completed"], false);
    assert_eq!(answer["completionstatus"]["completions"][0]["complete"], true);
    client.sandbox.world().moodle.run_cron(900_000);
    assert_eq!(status(&client, user, course).await["completionstatus"]["completed"], false, "not in the same second");
    client.sandbox.world().moodle.run_cron(900_001);
    assert_eq!(status(&client, user, course).await["completionstatus"]["completed"], true);
    let world = client.sandbox.world();
    assert_eq!(world.moodle.completion(user, course).and_then(|row| row.timecompleted), Some(900_000));
}

#[tokio::test]
async fn suspended_learners_are_invisible_though_their_completion_stays() {
    let (client, user, course) = one_learner().await;
    client.sandbox.world().moodle.complete(user, course, at(5000));
    client.sandbox.world().moodle.enrol_suspended(user, course);
    assert_eq!(code(&status(&client, user, course).await), "usernotenroled");
    let id = user.to_string();
    assert_eq!(client.call(COURSES, &[("userid", &id)]).await, json!([]));
    assert!(client.sandbox.world().moodle.completion(user, course).is_some());
}

#[tokio::test]
async fn each_obstacle_has_its_code() {
    let (client, user, course) = one_learner().await;
    assert_eq!(code(&status(&client, user, 99).await), "invalidrecord");
    assert_eq!(code(&status(&client, 99, course).await), "invaliduser");
    client.sandbox.world().moodle.courses.edit(course, |course| course.has_criteria = false);
    assert_eq!(code(&status(&client, user, course).await), "nocriteriaset");
    client.sandbox.world().moodle.courses.edit(course, |course| course.enablecompletion = false);
    assert_eq!(code(&status(&client, user, course).await), "cannotviewreport", "nothing is tracked");
    client.sandbox.world().moodle.courses.edit(course, |course| course.enablecompletion = true);
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "report/completion:view");
    assert_eq!(code(&status(&client, user, course).await), "cannotviewreport");
    client.sandbox.world().moodle.delete_user(user, 1);
    assert_eq!(code(&status(&client, user, course).await), "userdeleted");
}

#[tokio::test]
async fn courses_of_a_user_carry_the_idnumber_and_completion_without_its_date() {
    let (client, user, course) = one_learner().await;
    client.sandbox.world().moodle.complete(user, course, at(5000));
    let id = user.to_string();
    let list = client.call(COURSES, &[("userid", &id), ("returnusercount", "0")]).await;
    assert_eq!(
        (&list[0]["idnumber"], &list[0]["completed"], &list[0]["progress"]),
        (&json!("100"), &json!(true), &json!(100.0))
    );
    assert_eq!(list[0].get("enrolledusercount"), None);
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "report/completion:view");
    let list = client.call(COURSES, &[("userid", &id)]).await;
    assert_eq!((&list[0]["completed"], &list[0]["enrolledusercount"]), (&Value::Null, &json!(1)));
    assert_eq!(client.call(COURSES, &[("userid", "999")]).await, json!([]));
}

#[tokio::test]
async fn self_completion_acts_on_the_tokens_own_account() {
    let (client, _, course) = one_learner().await;
    let mark = async || {
        let ask = crate::client::form(&[("courseid", &course.to_string())]);
        client.call_as(MOODLE_ADMIN_TOKEN, "core_completion_mark_course_self_completed", &ask).await
    };
    assert_eq!(code(&mark().await), "nottracked");
    client.sandbox.world().moodle.enrol(2, course);
    assert_eq!(code(&mark().await), "noselfcompletioncriteria");
    client.sandbox.world().moodle.courses.edit(course, |course| course.self_completion = true);
    assert_eq!(mark().await["status"], true);
    assert_eq!(code(&mark().await), "useralreadymarkedcomplete");
}
