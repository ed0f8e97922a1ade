//! Calls that run at the same time and do not see each other.

use crate::client::{Client, code, enrolments, form};
use rollbook_sandbox::{MOODLE_TOKEN, World};
use serde_json::Value;

async fn twice(client: &Client, function: &str, one: &[(String, String)], two: &[(String, String)]) -> [String; 2] {
    client.sandbox.world().moodle.site.race_window_ms = 300;
    let (one, two) =
        tokio::join!(client.call_as(MOODLE_TOKEN, function, one), client.call_as(MOODLE_TOKEN, function, two));
    client.sandbox.world().moodle.site.race_window_ms = 0;
    let mut codes = [code(&one).to_owned(), code(&two).to_owned()];
    codes.sort();
    codes
}

fn person(username: &str, email: &str) -> Vec<(String, String)> {
    let keys = [
        ("username", username),
        ("firstname", "F"),
        ("lastname", "L"),
        ("email", email),
        ("auth", "oauth2"),
        ("idnumber", "G"),
    ];
    keys.map(|(key, value)| (format!("users[0][{key}]"), value.to_owned())).to_vec()
}

#[tokio::test]
async fn one_username_survives_but_mail_and_guid_are_doubled() {
    let client = Client::over(World::empty()).await;
    let create = "core_user_create_users";
    let same = person("a", "a@example.org");
    assert_eq!(twice(&client, create, &same, &same).await, ["", "dmlwriteexception"]);
    let codes = twice(&client, create, &person("b", "b@example.org"), &person("c", "b@example.org")).await;
    assert_eq!(codes, ["", ""]);
    let world = client.sandbox.world();
    assert_eq!((world.moodle.users_by_email("b@example.org").len(), world.moodle.users_by_idnumber("G").len()), (2, 3));
}

#[tokio::test]
async fn one_enrolment_survives_and_the_losers_batch_is_rolled_back() {
    let mut world = World::empty();
    let (a, b) = (world.moodle.add_user("A", "a@x.org", "A", "A"), world.moodle.add_user("B", "b@x.org", "B", "B"));
    let course = world.moodle.add_course("1", "C");
    let client = Client::over(world).await;
    let one = enrolments(&[(a, course)], &[]);
    let two = enrolments(&[(b, course), (a, course)], &[]);
    let codes = twice(&client, "enrol_manual_enrol_users", &one, &two).await;
    assert_eq!(codes, ["", "dmlwriteexception"]);
    let world = client.sandbox.world();
    let rows = world.moodle.enrolments.len();
    assert!(rows == 1 || rows == 2, "all of one batch, nothing of the other");
    assert_eq!(world.moodle.assignments.len(), rows);
}

#[tokio::test]
async fn roles_and_cohorts_are_doubled() {
    let client = Client::over(World::empty()).await;
    let keys = [("roleid", "9"), ("userid", "2"), ("contextlevel", "system"), ("instanceid", "0")];
    let assign = keys.map(|(key, value)| (format!("assignments[0][{key}]"), value.to_owned()));
    assert_eq!(twice(&client, "core_role_assign_roles", &assign, &assign).await, ["", ""]);
    assert_eq!(client.sandbox.world().moodle.assignments.len(), 2);
    let cohort = form(&[
        ("cohorts[0][categorytype][type]", "system"),
        ("cohorts[0][categorytype][value]", ""),
        ("cohorts[0][name]", "N"),
        ("cohorts[0][idnumber]", "guild"),
    ]);
    assert_eq!(twice(&client, "core_cohort_create_cohorts", &cohort, &cohort).await, ["", ""]);
    assert_eq!(client.sandbox.world().moodle.cohorts.len(), 2);
}

#[tokio::test]
async fn one_membership_survives() {
    let mut world = World::empty();
    world.moodle.add_cohort("guild", "G");
    let client = Client::over(world).await;
    let join = form(&[
        ("members[0][cohorttype][type]", "id"),
        ("members[0][cohorttype][value]", "1"),
        ("members[0][usertype][type]", "id"),
        ("members[0][usertype][value]", "2"),
    ]);
    let codes = twice(&client, "core_cohort_add_cohort_members", &join, &join).await;
    assert_eq!(codes, ["", "dmlwriteexception"]);
    assert_eq!(client.sandbox.world().moodle.members.len(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_the_work() {
    let client = Client::over(World::empty()).await;
    client.sandbox.world().moodle.site.race_window_ms = 1000;
    let create = person("a", "a@example.org");
    let call = client.post(MOODLE_TOKEN, "core_user_create_users", &create);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(400), call).await.is_err());
    let mut found = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        client.sandbox.world().moodle.site.race_window_ms = 0;
        let ask = [("field", "username"), ("values[0]", "a")];
        let answer = client.call("core_user_get_users_by_field", &ask).await;
        found = answer.as_array().cloned().unwrap_or_default();
        if !found.is_empty() {
            break;
        }
    }
    assert_eq!(found.first().map(|user| user["username"].clone()), Some(Value::from("a")));
}
