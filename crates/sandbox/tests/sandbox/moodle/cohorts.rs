//! Cohorts.

use crate::client::{Client, code, form};
use rollbook_sandbox::moodle::Context;
use rollbook_sandbox::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, World};
use serde_json::{Value, json};

const CREATE: &str = "core_cohort_create_cohorts";
const ADD: &str = "core_cohort_add_cohort_members";
const DELETE: &str = "core_cohort_delete_cohort_members";

fn cohort(at: usize, idnumber: &str, name: &str) -> Vec<(String, String)> {
    let keys =
        [("[categorytype][type]", "system"), ("[categorytype][value]", ""), ("[name]", name), ("[idnumber]", idnumber)];
    keys.map(|(key, value)| (format!("cohorts[{at}]{key}"), value.to_owned())).to_vec()
}

fn member(at: usize, cohort: (&str, &str), user: (&str, &str)) -> Vec<(String, String)> {
    let keys = [
        ("[cohorttype][type]", cohort.0),
        ("[cohorttype][value]", cohort.1),
        ("[usertype][type]", user.0),
        ("[usertype][value]", user.1),
    ];
    keys.map(|(key, value)| (format!("members[{at}]{key}"), value.to_owned())).to_vec()
}

#[tokio::test]
async fn a_created_cohort_is_returned_and_listed_without_owner_or_context() {
    let client = Client::over(World::empty()).await;
    let made = client.call_as(MOODLE_TOKEN, CREATE, &cohort(0, "guild-web", "Web & <Guild>")).await;
    assert_eq!(
        (&made[0]["id"], &made[0]["name"], &made[0]["visible"]),
        (&json!(1), &json!("Web & <Guild>"), &json!(true))
    );
    let listed = client.call("core_cohort_get_cohorts", &[("cohortids[0]", "99"), ("cohortids[1]", "1")]).await;
    let keys: Vec<&String> = listed[0].as_object().expect("a cohort").keys().collect();
    let expected = ["customfields", "description", "descriptionformat", "id", "idnumber", "name", "theme", "visible"];
    assert_eq!(keys, expected);
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_idnumber_equal_by_collation_rolls_the_batch_back_but_an_update_may_double_it() {
    let mut world = World::empty();
    let one = world.moodle.add_cohort("Guild", "One");
    let two = world.moodle.add_cohort("", "Two");
    let client = Client::over(world).await;
    for taken in ["guild", "", "gúild "] {
        let mut batch = cohort(0, "new", "New");
        batch.extend(cohort(1, taken, "Taken"));
        assert_eq!(code(&client.call_as(MOODLE_TOKEN, CREATE, &batch).await), "invalidparameter");
        assert_eq!(client.sandbox.world().moodle.cohorts.len(), 2);
    }
    let mut change = cohort(0, "Guild", "Two");
    change.push(("cohorts[0][id]".to_owned(), two.to_string()));
    let answer = client.call_as(MOODLE_ADMIN_TOKEN, "core_cohort_update_cohorts", &change).await;
    assert_eq!(answer, Value::Null);
    let holders: Vec<i64> =
        client.sandbox.world().moodle.cohorts_by_idnumber("Guild").iter().map(|cohort| cohort.id).collect();
    assert_eq!(holders, [one, two]);
}

#[tokio::test]
async fn the_idnumber_is_a_required_key_and_too_long_texts_are_database_errors() {
    let client = Client::over(World::empty()).await;
    let without = &cohort(0, "x", "X")[..3];
    assert_eq!(code(&client.call_as(MOODLE_TOKEN, CREATE, without).await), "invalidparameter");
    for (idnumber, name) in [("i".repeat(101), "n".to_owned()), ("i".to_owned(), "n".repeat(255))] {
        let answer = client.call_as(MOODLE_TOKEN, CREATE, &cohort(0, &idnumber, &name)).await;
        assert_eq!(code(&answer), "dmlwriteexception");
    }
}

#[tokio::test]
async fn unknown_and_doubled_members_are_warnings_and_the_rest_joins() {
    let mut world = World::empty();
    let cohort_id = world.moodle.add_cohort("guild", "Guild");
    let ann = world.moodle.add_user("A", "ann@example.org", "Ann", "A");
    let gone = world.moodle.add_user("B", "bob@example.org", "Bob", "B");
    world.moodle.delete_user(gone, 1);
    let client = Client::over(world).await;
    let (ann_text, gone_text) = (ann.to_string(), gone.to_string());
    let mut batch = Vec::new();
    for (at, (cohort, user)) in [
        (("idnumber", "guild"), ("id", ann_text.as_str())),
        (("idnumber", "guild"), ("username", "ann@example.org")),
        (("id", "9"), ("id", &ann_text)),
        (("id", "1"), ("id", &gone_text)),
        (("name", "Guild"), ("id", &ann_text)),
        (("id", "1"), ("mail", "x")),
    ]
    .into_iter()
    .enumerate()
    {
        batch.extend(member(at, cohort, user));
    }
    let answer = client.call_as(MOODLE_TOKEN, ADD, &batch).await;
    let expected = json!({"warnings": [
        {"warningcode": "3", "message": "record already exists: cohort(idnumber=guild username=ann@example.org)"},
        {"warningcode": "2", "message": "cohort id=9 not exists"},
        {"warningcode": "2", "message": format!("user id={gone} not exists")},
        {"warningcode": "1", "message": "invalid parameter: cohortype=name"},
        {"warningcode": "1", "message": "invalid parameter: usertype=mail"},
    ]});
    assert_eq!(answer, expected);
    assert_eq!(client.sandbox.world().moodle.members_of(cohort_id), [ann]);
}

#[tokio::test]
async fn leaving_is_all_or_nothing_and_no_error_for_those_outside() {
    let mut world = World::empty();
    let cohort_id = world.moodle.add_cohort("guild", "Guild");
    let ann = world.moodle.add_user("A", "ann@example.org", "Ann", "A");
    world.moodle.add_member(cohort_id, ann);
    let client = Client::over(world).await;
    let leave = |pairs: &[(i64, i64)]| {
        let keys = pairs.iter().enumerate().flat_map(|(at, (cohort, user))| {
            [("cohortid", *cohort), ("userid", *user)]
                .map(|(key, id)| (format!("members[{at}][{key}]"), id.to_string()))
        });
        keys.collect::<Vec<_>>()
    };
    for (bad, errorcode) in [((cohort_id, 999), "invaliduser"), ((999, ann), "invalidrecord")] {
        let answer = client.call_as(MOODLE_TOKEN, DELETE, &leave(&[(cohort_id, ann), bad])).await;
        assert_eq!(code(&answer), errorcode);
        assert_eq!(client.sandbox.world().moodle.members_of(cohort_id), [ann]);
    }
    for _ in 0..2 {
        assert_eq!(client.call_as(MOODLE_TOKEN, DELETE, &leave(&[(cohort_id, ann)])).await, Value::Null);
    }
    assert!(client.sandbox.world().moodle.members.is_empty());
}

#[tokio::test]
async fn members_come_by_family_name_with_orphans_and_one_unknown_cohort_loses_all() {
    let mut world = World::empty();
    let cohort_id = world.moodle.add_cohort("guild", "Guild");
    let zoe = world.moodle.add_user("Z", "z@example.org", "Zoe", "Zander");
    let ann = world.moodle.add_user("A", "a@example.org", "Ann", "Abel");
    for user in [zoe, ann, 4711] {
        world.moodle.add_member(cohort_id, user);
    }
    let client = Client::over(world).await;
    let found = client.call("core_cohort_get_cohort_members", &[("cohortids[0]", "1")]).await;
    assert_eq!(found, json!([{"cohortid": cohort_id, "userids": [4711, ann, zoe]}]));
    let lost = client.call("core_cohort_get_cohort_members", &[("cohortids[0]", "1"), ("cohortids[1]", "2")]).await;
    assert_eq!(code(&lost), "invalidrecord");
}

#[tokio::test]
async fn searching_gives_25_unless_told_zero_and_looks_in_three_fields() {
    let mut world = World::empty();
    for at in 0..30 {
        world.moodle.add_cohort(&format!("guild-{at}"), "G");
    }
    let id = world.moodle.add_cohort("x", "Other");
    world.moodle.cohorts.edit(id, |cohort| {
        cohort.context = Context::Category(1);
        cohort.description = "the GUILD of others".to_owned();
    });
    let client = Client::over(world).await;
    let search = async |query: &str, more: &[(&str, &str)]| {
        let mut ask = form(&[("query", query), ("context[contextid]", "1")]);
        ask.extend(form(more));
        let answer = client.call_as(MOODLE_ADMIN_TOKEN, "core_cohort_search_cohorts", &ask).await;
        answer["cohorts"].as_array().map(Vec::len)
    };
    assert_eq!(search("guild", &[]).await, Some(25));
    assert_eq!(search("guild", &[("limitnum", "0")]).await, Some(30));
    assert_eq!(search("guild", &[("limitnum", "0"), ("includes", "all")]).await, Some(31));
    assert_eq!(search("guild-2", &[("limitfrom", "5")]).await, Some(6));
}

#[tokio::test]
async fn deleting_takes_the_members_along_and_an_unknown_cohort_stops_it_all() {
    let mut world = World::empty();
    let cohort_id = world.moodle.add_cohort("guild", "Guild");
    world.moodle.add_member(cohort_id, 3);
    let client = Client::over(world).await;
    let ask = form(&[("cohortids[0]", "1"), ("cohortids[1]", "9")]);
    let answer = client.call_as(MOODLE_ADMIN_TOKEN, "core_cohort_delete_cohorts", &ask).await;
    assert_eq!((code(&answer), client.sandbox.world().moodle.members.len()), ("invalidrecord", 1));
    client.call_as(MOODLE_ADMIN_TOKEN, "core_cohort_delete_cohorts", &ask[..1]).await;
    assert!(client.sandbox.world().moodle.members.is_empty());
}

#[tokio::test]
async fn without_the_capability_adding_fails_as_a_whole() {
    let mut world = World::empty();
    world.moodle.add_cohort("guild", "Guild");
    world.moodle.revoke(MOODLE_TOKEN, "moodle/cohort:manage");
    let client = Client::over(world).await;
    let join = member(0, ("id", "1"), ("id", "2"));
    assert_eq!(code(&client.call_as(MOODLE_TOKEN, ADD, &join).await), "nopermissions");
    client.sandbox.world().moodle.grant(MOODLE_TOKEN, "moodle/cohort:assign");
    assert_eq!(client.call_as(MOODLE_TOKEN, ADD, &join).await, json!({"warnings": []}));
    assert_eq!(code(&client.call("core_cohort_get_cohorts", &[]).await), "nopermissions");
}

// B6: description and custom fields are optional; read in Moodle: what is left out of an update stays as it was.
#[tokio::test]
async fn an_update_keeps_what_it_does_not_name_and_custom_fields_are_those_of_the_site() {
    let mut world = World::empty();
    let cohort = world.moodle.add_cohort("web", "Web");
    world.moodle.cohorts.edit(cohort, |cohort| cohort.description = "We weave.".to_owned());
    world.moodle.cohort_fields.insert("managed_by".to_owned());
    world.moodle.list_function(MOODLE_TOKEN, "core_cohort_update_cohorts");
    let client = Client::over(world).await;
    let id = cohort.to_string();
    let update = [
        ("cohorts[0][id]", id.as_str()),
        ("cohorts[0][categorytype][type]", "system"),
        ("cohorts[0][categorytype][value]", ""),
        ("cohorts[0][name]", "Web guild"),
        ("cohorts[0][idnumber]", "web"),
        ("cohorts[0][customfields][0][shortname]", "managed_by"),
        ("cohorts[0][customfields][0][value]", "Rollbook"),
        ("cohorts[0][customfields][1][shortname]", "nosuchfield"),
        ("cohorts[0][customfields][1][value]", "x"),
    ];
    assert_eq!(client.call("core_cohort_update_cohorts", &update).await, Value::Null);
    let shown = client.call("core_cohort_get_cohorts", &[]).await;
    assert_eq!((&shown[0]["name"], &shown[0]["description"]), (&json!("Web guild"), &json!("We weave.")));
    assert_eq!(shown[0]["customfields"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown[0]["customfields"][0]["valueraw"], "Rollbook");
}
