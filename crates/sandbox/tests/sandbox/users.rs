//! Accounts.

use crate::client::{Client, code};
use rollbook_sandbox::{MOODLE_TOKEN, World};
use serde_json::json;

const LOOKUP: &str = "core_user_get_users_by_field";
const CREATE: &str = "core_user_create_users";

fn one(username: &str, email: &str) -> Vec<(String, String)> {
    crate::client::form(&[
        ("users[0][username]", username),
        ("users[0][firstname]", "José"),
        ("users[0][lastname]", "Núñez"),
        ("users[0][email]", email),
        ("users[0][auth]", "oauth2"),
        ("users[0][idnumber]", "GUID1"),
    ])
}

#[tokio::test]
async fn found_users_come_by_id_once_and_unknown_values_are_missing() {
    let mut world = World::empty();
    let first = world.moodle.add_user("A1", "a1@example.org", "A", "One");
    let second = world.moodle.add_user("B2", "b2@example.org", "B", "Two");
    let client = Client::over(world).await;
    let values = [
        ("field", "idnumber"),
        ("values[0]", "B2"),
        ("values[1]", "nobody"),
        ("values[2]", "A1"),
        ("values[3]", "b2"),
    ];
    let users = client.call(LOOKUP, &values).await;
    assert_eq!(users.as_array().map(Vec::len), Some(2));
    assert_eq!(users[0]["id"], first);
    assert_eq!(users[1]["id"], second);
    assert_eq!(users[1]["email"], "b2@example.org");
}

#[tokio::test]
async fn idnumber_ignores_case_accents_and_trailing_space_but_not_leading_space() {
    let mut world = World::empty();
    world.moodle.add_user("HFGUID1", "a@example.org", "A", "B");
    let client = Client::over(world).await;
    for (value, hits) in [("HFGUÍD1 ", 1), ("hfguid1", 1), (" HFGUID1", 0)] {
        let found = client
            .call(LOOKUP, &[("field", "idnumber"), ("values[0]", value)])
            .await;
        assert_eq!(found.as_array().map(Vec::len), Some(hits), "{value:?}");
    }
}

#[tokio::test]
async fn created_user_is_returned_in_request_order_and_can_be_found() {
    let client = Client::over(World::empty()).await;
    let made = client
        .call_as(
            MOODLE_TOKEN,
            CREATE,
            &one("jose@example.org", "José@Example.org"),
        )
        .await;
    assert_eq!(
        code(&made),
        "invalidparameter",
        "the local part is not ASCII"
    );
    let made = client
        .call_as(
            MOODLE_TOKEN,
            CREATE,
            &one("jose@example.org", "Jose@Example.org"),
        )
        .await;
    assert_eq!(made, json!([{"id": 4, "username": "jose@example.org"}]));
    let found = client
        .call(
            LOOKUP,
            &[("field", "username"), ("values[]", "jose@example.org")],
        )
        .await;
    assert_eq!(found[0]["fullname"], "José Núñez");
}

#[tokio::test]
async fn one_bad_user_rolls_the_whole_batch_back() {
    let mut world = World::empty();
    world.moodle.add_user("X", "taken@example.org", "T", "T");
    let client = Client::over(world).await;
    let mut batch = one("new@example.org", "new@example.org");
    for (name, value) in one("other@example.org", "Taken@example.org") {
        batch.push((name.replace("[0]", "[1]"), value));
    }
    let answer = client.call_as(MOODLE_TOKEN, CREATE, &batch).await;
    assert_eq!(code(&answer), "invalidparameter");
    assert_eq!(answer.get("debuginfo"), None);
    assert_eq!(client.sandbox.world().moodle.users.len(), 4);
}

#[tokio::test]
async fn missing_rights_make_people_invisible_without_a_word() {
    let mut world = World::empty();
    let id = world
        .moodle
        .add_user("G", "g@example.org", "G", "G")
        .to_string();
    let client = Client::over(world).await;
    let lookups = [
        ("id", id.as_str()),
        ("idnumber", "G"),
        ("username", "g@example.org"),
        ("email", "g@example.org"),
    ];
    let steps = [
        ("moodle/site:viewuseridentity", [1, 1, 1, 0]),
        ("moodle/user:viewalldetails", [1, 0, 0, 0]),
        ("moodle/user:viewdetails", [0, 0, 0, 0]),
    ];
    for (revoked, expected) in steps {
        client.sandbox.world().moodle.revoke(MOODLE_TOKEN, revoked);
        for ((field, value), hits) in lookups.iter().zip(expected) {
            let found = client
                .call(LOOKUP, &[("field", field), ("values[0]", value)])
                .await;
            assert_eq!(
                found.as_array().map(Vec::len),
                Some(hits),
                "{revoked} {field}"
            );
        }
    }
}
