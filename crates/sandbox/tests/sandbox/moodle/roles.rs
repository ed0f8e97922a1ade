//! Role assignments.

use crate::client::{Client, code, form};
use rollbook_sandbox::moodle::{Context, GUILD_MENTOR_ROLE};
use rollbook_sandbox::{MOODLE_TOKEN, World};
use serde_json::Value;

const ASSIGN: &str = "core_role_assign_roles";
const UNASSIGN: &str = "core_role_unassign_roles";

async fn change(client: &Client, function: &str, role: i64, user: i64, place: &[(&str, &str)]) -> Value {
    let list = if function == ASSIGN { "assignments" } else { "unassignments" };
    let (role, user) = (role.to_string(), user.to_string());
    let mut keys = vec![("roleid", role.as_str()), ("userid", user.as_str())];
    keys.extend_from_slice(place);
    let named: Vec<(String, &str)> = keys.iter().map(|(key, value)| (format!("{list}[0][{key}]"), *value)).collect();
    let borrowed: Vec<(&str, &str)> = named.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    client.call_as(MOODLE_TOKEN, function, &form(&borrowed)).await
}

const SYSTEM: [(&str, &str); 2] = [("contextlevel", "system"), ("instanceid", "0")];

#[tokio::test]
async fn assigning_and_unassigning_repeat_without_effect() {
    let client = Client::over(World::empty()).await;
    for function in [ASSIGN, ASSIGN] {
        assert_eq!(change(&client, function, GUILD_MENTOR_ROLE, 2, &SYSTEM).await, Value::Null);
        assert_eq!(client.sandbox.world().moodle.assignments.len(), 1);
    }
    for user in [2, 2, 999] {
        assert_eq!(change(&client, UNASSIGN, GUILD_MENTOR_ROLE, user, &SYSTEM).await, Value::Null);
    }
    assert!(client.sandbox.world().moodle.assignments.is_empty());
}

#[tokio::test]
async fn a_plugins_own_row_is_neither_taken_for_the_manual_one_nor_removed() {
    let mut world = World::empty();
    let row = world.moodle.assign(GUILD_MENTOR_ROLE, 2, Context::System);
    world.moodle.assignments.edit(row, |row| row.component = "local_cohortrole".to_owned());
    let client = Client::over(world).await;
    change(&client, ASSIGN, GUILD_MENTOR_ROLE, 2, &SYSTEM).await;
    assert_eq!(client.sandbox.world().moodle.assignments.len(), 2);
    change(&client, UNASSIGN, GUILD_MENTOR_ROLE, 2, &SYSTEM).await;
    let world = client.sandbox.world();
    assert_eq!(world.moodle.assignments.iter().map(|row| row.id).collect::<Vec<_>>(), [row]);
}

#[tokio::test]
async fn the_next_assignment_removes_duplicates() {
    let mut world = World::empty();
    for _ in 0..3 {
        world.moodle.assign(GUILD_MENTOR_ROLE, 2, Context::System);
    }
    let client = Client::over(world).await;
    change(&client, ASSIGN, GUILD_MENTOR_ROLE, 2, &SYSTEM).await;
    assert_eq!(client.sandbox.world().moodle.assignments.len(), 1);
}

#[tokio::test]
async fn contexts_are_named_by_id_or_by_word_and_instance() {
    let mut world = World::empty();
    let course = world.moodle.add_course("1", "C");
    let client = Client::over(world).await;
    let (id, instance) = (Context::Course(course).id().to_string(), course.to_string());
    let course_by_id = [("contextid", id.as_str())];
    let course_by_word = [("contextlevel", "course"), ("instanceid", instance.as_str())];
    for place in [&course_by_id[..], &course_by_word[..]] {
        assert_eq!(change(&client, ASSIGN, 5, 2, place).await, Value::Null);
    }
    assert_eq!(client.sandbox.world().moodle.assignments.len(), 1);
    for place in [
        &[("contextlevel", "system")][..],
        &[("contextlevel", "10"), ("instanceid", "0")],
        &[("contextlevel", "course"), ("instanceid", "99")],
        &[("contextid", "99999")],
        &[],
    ] {
        assert_eq!(code(&change(&client, ASSIGN, GUILD_MENTOR_ROLE, 2, place).await), "invalidparameter", "{place:?}");
    }
}

#[tokio::test]
async fn roles_that_do_not_fit_or_may_not_be_given_are_refused() {
    let client = Client::over(World::empty()).await;
    // Student is no role for the site, manager is not in the caller's matrix, 0 and 77 do not exist.
    for role in [5, 1, 0, 77] {
        assert_eq!(code(&change(&client, ASSIGN, role, 2, &SYSTEM).await), "invalidparameter", "{role}");
    }
    assert_eq!(code(&change(&client, ASSIGN, GUILD_MENTOR_ROLE, 999, &SYSTEM).await), "codingerror");
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/role:assign");
    assert_eq!(code(&change(&client, ASSIGN, GUILD_MENTOR_ROLE, 2, &SYSTEM).await), "nopermissions");
}
