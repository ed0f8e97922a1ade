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
    let values =
        [("field", "idnumber"), ("values[0]", "B2"), ("values[1]", "nobody"), ("values[2]", "A1"), ("values[3]", "b2")];
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
        let found = client.call(LOOKUP, &[("field", "idnumber"), ("values[0]", value)]).await;
        assert_eq!(found.as_array().map(Vec::len), Some(hits), "{value:?}");
    }
}

#[tokio::test]
async fn created_user_is_returned_in_request_order_and_can_be_found() {
    let client = Client::over(World::empty()).await;
    let made = client.call_as(MOODLE_TOKEN, CREATE, &one("jose@example.org", "José@Example.org")).await;
    assert_eq!(code(&made), "invalidparameter", "the local part is not ASCII");
    let made = client.call_as(MOODLE_TOKEN, CREATE, &one("jose@example.org", "Jose@Example.org")).await;
    assert_eq!(made, json!([{"id": 4, "username": "jose@example.org"}]));
    let found = client.call(LOOKUP, &[("field", "username"), ("values[]", "jose@example.org")]).await;
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
    let id = world.moodle.add_user("G", "g@example.org", "G", "G").to_string();
    let client = Client::over(world).await;
    let lookups = [("id", id.as_str()), ("idnumber", "G"), ("username", "g@example.org"), ("email", "g@example.org")];
    let steps = [
        ("moodle/site:viewuseridentity", [1, 1, 1, 0]),
        ("moodle/user:viewalldetails", [1, 0, 0, 0]),
        ("moodle/user:viewdetails", [0, 0, 0, 0]),
    ];
    for (revoked, expected) in steps {
        client.sandbox.world().moodle.revoke(MOODLE_TOKEN, revoked);
        for ((field, value), hits) in lookups.iter().zip(expected) {
            let found = client.call(LOOKUP, &[("field", field), ("values[0]", value)]).await;
            assert_eq!(found.as_array().map(Vec::len), Some(hits), "{revoked} {field}");
        }
    }
}

async fn create(client: &Client, changes: &[(&str, &str)]) -> serde_json::Value {
    let mut form = one("new@example.org", "new@example.org");
    for (key, value) in changes {
        let key = format!("users[0][{key}]");
        form.retain(|(name, _)| *name != key);
        form.push((key, (*value).to_owned()));
    }
    client.call_as(MOODLE_TOKEN, CREATE, &form).await
}

#[tokio::test]
async fn each_bad_value_has_the_code_that_moodle_gives_it() {
    let mut world = World::empty();
    world.moodle.add_user("T", "taken@example.org", "T", "T");
    let client = Client::over(world).await;
    let long = "n".repeat(101);
    for (changes, expected) in [
        (&[("username", "New")][..], "invalidparameter"),
        (&[("username", "a+b@example.org")], "invalidparameter"),
        (&[("username", "o'b@example.org")], "invalidparameter"),
        (&[("username", "zoë")], "invalidparameter"),
        (&[("username", "a b")], "invalidparameter"),
        (&[("username", "taken@example.org")], "invalidparameter"),
        (&[("email", "TAKEN@Example.org")], "invalidparameter"),
        (&[("email", "nobody")], "invalidparameter"),
        (&[("firstname", " ")], "invalidparameter"),
        (&[("lastname", "<b>x</b>")], "invalidparameter"),
        (&[("suspended", "1")], "invalidparameter"),
        (&[("auth", "manual")], "invalidparameter"),
        (&[("auth", "nologin")], "invalidparameter"),
        (&[("auth", "webservice")], "invalidparameter"),
        (&[("auth", "nosuch")], "invalidparameter"),
        (&[("lang", "xx")], "invalidparameter"),
        (&[("firstname", &long)], "dmlwriteexception"),
        (&[("auth", "manual"), ("password", "Abcdefg!")], "<div>Passwords must have at least 1 digit(s).</div>"),
    ] {
        let answer = create(&client, changes).await;
        assert_eq!(code(&answer), expected, "{changes:?}");
    }
    assert_eq!(client.sandbox.world().moodle.users.len(), 4);
}

#[tokio::test]
async fn each_allowed_oddity_is_stored_as_sent() {
    for changes in [
        &[("email", "O'Brien+x@example.org")][..],
        &[("auth", "ldap")],
        &[("auth", "manual"), ("createpassword", "1")],
        &[("auth", "manual"), ("password", "Abcdef1!")],
        &[("idnumber", " spaced ")],
        &[("firstname", "𠮷 < 3")],
        &[("idnumber", "T")],
    ] {
        let mut world = World::empty();
        world.moodle.add_user("T", "taken@example.org", "T", "T");
        let gone = world.moodle.add_user("G", "new@example.org", "G", "G");
        world.moodle.delete_user(gone, 1);
        let client = Client::over(world).await;
        let made = create(&client, changes).await;
        let id = made[0]["id"].as_i64().expect("an id");
        let world = client.sandbox.world();
        let user = world.moodle.users.get(id).expect("an account");
        for (key, value) in changes {
            match *key {
                "email" => assert_eq!(user.email, *value),
                "idnumber" => assert_eq!(user.idnumber, *value),
                "firstname" => assert_eq!(user.firstname, *value),
                "createpassword" => assert!(user.must_change_password),
                _ => assert!(user.confirmed),
            }
        }
    }
}

#[tokio::test]
async fn extended_usernames_and_shared_addresses_are_settings() {
    let mut world = World::empty();
    world.moodle.add_user("T", "taken@example.org", "T", "T");
    world.moodle.site.extended_username_chars = true;
    world.moodle.site.same_email_allowed = true;
    let client = Client::over(world).await;
    let made = create(&client, &[("username", "o'brien+é x"), ("email", "Taken@example.org")]).await;
    assert_eq!(made[0]["username"], "o'brien+é x");
    client.sandbox.world().moodle.site.extended_username_chars = false;
    let poisoned = client.call(LOOKUP, &[("field", "email"), ("values[0]", "taken@example.org")]).await;
    assert_eq!(code(&poisoned), "invalidresponse");
}

#[tokio::test]
async fn a_deleted_account_is_found_by_id_only_and_looks_alive() {
    let mut world = World::empty();
    let id = world.moodle.add_user("G", "gone@example.org", "G", "G");
    world.moodle.delete_user(id, 1_700_000_000);
    let client = Client::over(world).await;
    let found = client.call(LOOKUP, &[("field", "id"), ("values[0]", &format!("{id}.0"))]).await;
    assert_eq!(found[0]["username"], "gone@example.org.1700000000");
    let email = found[0]["email"].as_str().expect("an address");
    assert!(email.len() == 32 && !email.contains('@'));
    assert_eq!((found[0].get("deleted"), found[0].get("idnumber")), (None, None));
    for (field, value) in [("idnumber", "G"), ("username", "gone@example.org"), ("email", "gone@example.org")] {
        assert_eq!(client.call(LOOKUP, &[("field", field), ("values[0]", value)]).await, json!([]));
    }
}

#[tokio::test]
async fn bad_values_in_a_look_up_fail_it_or_match_nobody() {
    let client = Client::over(World::empty()).await;
    for (field, value, expected) in [
        ("username", "Rollbook", "invalidparameter"),
        ("email", " rollbook@learning.example", "invalidparameter"),
        ("id", "abc", "invalidparameter"),
        ("shoesize", "1", "codingerror"),
    ] {
        let answer = client.call(LOOKUP, &[("field", field), ("values[0]", "3"), ("values[1]", value)]).await;
        assert_eq!(code(&answer), expected, "{field} {value}");
    }
    for (field, value) in [("idnumber", ""), ("email", "not an address")] {
        assert_eq!(client.call(LOOKUP, &[("field", field), ("values[0]", value)]).await, json!([]));
    }
}

#[tokio::test]
async fn names_show_on_4_4_only_with_their_own_capability() {
    let mut world = World::empty();
    world.moodle.add_user("G", "g@example.org", "Given", "Family");
    let client = Client::over(world).await;
    let ask = [("field", "idnumber"), ("values[0]", "G")];
    let user = client.call(LOOKUP, &ask).await;
    assert_eq!((user[0].get("firstname"), &user[0]["fullname"]), (None, &json!("Given Family")));
    client.sandbox.world().moodle.site.release = rollbook_sandbox::moodle::Release::V4_5;
    assert_eq!(client.call(LOOKUP, &ask).await[0]["firstname"], "Given");
}

#[tokio::test]
async fn exact_collation_compares_byte_for_byte() {
    let mut world = World::empty();
    world.moodle.add_user("Guid", "g@example.org", "G", "G");
    world.moodle.site.collation = rollbook_sandbox::moodle::Collation::Exact;
    let client = Client::over(world).await;
    for (value, hits) in [("Guid", 1), ("guid", 0), ("Guid ", 0)] {
        let found = client.call(LOOKUP, &[("field", "idnumber"), ("values[0]", value)]).await;
        assert_eq!(found.as_array().map(Vec::len), Some(hits), "{value:?}");
    }
}

#[tokio::test]
async fn criteria_are_joined_and_unknown_keys_only_warn() {
    let mut world = World::empty();
    world.moodle.add_user("A", "ann@example.org", "Ann", "Lee");
    world.moodle.add_user("B", "bob@example.org", "Bob", "Lee");
    let client = Client::over(world).await;
    let ask = |pairs: &[(&str, &str)]| {
        let keys = pairs.iter().enumerate().flat_map(|(at, (key, value))| {
            [("key", *key), ("value", *value)].map(|(name, text)| (format!("criteria[{at}][{name}]"), text.to_owned()))
        });
        keys.collect::<Vec<_>>()
    };
    let search = async |pairs: &[(&str, &str)]| {
        client.call_as(rollbook_sandbox::MOODLE_ADMIN_TOKEN, "core_user_get_users", &ask(pairs)).await
    };
    let found = search(&[("lastname", "LE%"), ("email", "%@example.org"), ("shoesize", "1")]).await;
    assert_eq!(
        (found["users"].as_array().map(Vec::len), &found["warnings"][0]["warningcode"]),
        (Some(2), &json!("invalidfieldparameter"))
    );
    let found = search(&[("lastname", "lee"), ("firstname", "bob")]).await;
    assert_eq!(found["users"][0]["idnumber"], "B");
    assert_eq!(code(&search(&[("email", "a"), ("email", "b")]).await), "keyalreadyset");
}

#[tokio::test]
async fn changes_warn_per_account_and_the_others_are_applied() {
    let mut world = World::empty();
    let ann = world.moodle.add_user("A", "ann@example.org", "Ann", "A");
    let bob = world.moodle.add_user("B", "bob@example.org", "Bob", "B");
    let gone = world.moodle.add_user("C", "c@example.org", "C", "C");
    world.moodle.delete_user(gone, 1);
    world.moodle.grant(MOODLE_TOKEN, "moodle/user:update");
    world.moodle.list_function(MOODLE_TOKEN, "core_user_update_users");
    let client = Client::over(world).await;
    let changes = [
        (ann, "email", "Bob@example.org"),
        (999, "city", "x"),
        (gone, "city", "x"),
        (1, "city", "x"),
        (2, "city", "x"),
        (ann, "username", "bob@example.org"),
        (ann, "email", "nobody"),
        (bob, "suspended", "1"),
    ];
    let mut form = Vec::new();
    for (at, (id, key, value)) in changes.into_iter().enumerate() {
        form.push((format!("users[{at}][id]"), id.to_string()));
        form.push((format!("users[{at}][{key}]"), value.to_owned()));
    }
    let answer = client.call_as(MOODLE_TOKEN, "core_user_update_users", &form).await;
    let codes: Vec<&str> =
        answer["warnings"].as_array().expect("warnings").iter().filter_map(|w| w["warningcode"].as_str()).collect();
    let expected = [
        "useremailduplicate",
        "invaliduserid",
        "usernotupdateddeleted",
        "usernotupdatedguest",
        "usernotupdatedadmin",
        "dmlwriteexception",
        "useremailinvalid",
    ];
    assert_eq!(codes, expected);
    assert!(client.sandbox.world().moodle.users.get(bob).expect("Bob").suspended);
}

#[tokio::test]
async fn deletion_spares_administrators_and_takes_enrolments_and_memberships_along() {
    let mut world = World::empty();
    let ann = world.moodle.add_user("A", "ann@example.org", "Ann", "A");
    let course = world.moodle.add_course("1", "C");
    world.moodle.enrol(ann, course);
    let cohort = world.moodle.add_cohort("g", "G");
    world.moodle.add_member(cohort, ann);
    world.moodle.grant(MOODLE_TOKEN, "moodle/user:delete");
    world.moodle.list_function(MOODLE_TOKEN, "core_user_delete_users");
    let client = Client::over(world).await;
    let ask =
        |second: i64| crate::client::form(&[("userids[0]", &ann.to_string()), ("userids[1]", &second.to_string())]);
    for spared in [2, 3, 999] {
        let answer = client.call_as(MOODLE_TOKEN, "core_user_delete_users", &ask(spared)).await;
        assert_ne!(code(&answer), "");
        assert!(!client.sandbox.world().moodle.users.get(ann).expect("Ann").deleted);
    }
    client.call_as(MOODLE_TOKEN, "core_user_delete_users", &ask(ann)[..1]).await;
    let world = client.sandbox.world();
    assert!(world.moodle.users.get(ann).expect("Ann").deleted);
    assert!(
        world.moodle.enrolments.is_empty() && world.moodle.members.is_empty() && world.moodle.assignments.is_empty()
    );
}
