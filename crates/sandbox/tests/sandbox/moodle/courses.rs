//! Courses.

use crate::client::{Client, code, form};
use rollbook_sandbox::moodle::Visibility;
use rollbook_sandbox::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, World};
use serde_json::{Value, json};

const BY_FIELD: &str = "core_course_get_courses_by_field";

async fn find(client: &Client, field: &str, value: &str) -> Vec<Value> {
    let answer = client.call(BY_FIELD, &[("field", field), ("value", value)]).await;
    answer["courses"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn idnumbers_match_by_collation_and_the_empty_one_is_the_front_page() {
    let mut world = World::empty();
    let course = world.moodle.add_course("A100", "C");
    let client = Client::over(world).await;
    for (value, expected) in [("a100 ", vec![course]), ("A0100", vec![]), ("", vec![1])] {
        let ids: Vec<i64> = find(&client, "idnumber", value).await.iter().filter_map(|c| c["id"].as_i64()).collect();
        assert_eq!(ids, expected, "{value:?}");
    }
    assert_eq!(client.call(BY_FIELD, &[]).await["courses"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn names_come_escaped_and_stripped_unless_raw_text_is_asked_for() {
    let mut world = World::empty();
    world.moodle.add_course("1", "A & B <b>x</b>");
    let client = Client::over(world).await;
    assert_eq!(find(&client, "idnumber", "1").await[0]["fullname"], "A &amp; B x");
    let ask = [("field", "idnumber"), ("value", "1"), ("moodlewssettingraw", "1")];
    assert_eq!(client.call(BY_FIELD, &ask).await["courses"][0]["fullname"], "A & B <b>x</b>");
}

#[tokio::test]
async fn rights_decide_which_fields_and_courses_show() {
    let mut world = World::empty();
    let hidden = world.moodle.add_course("1", "C");
    world.moodle.courses.edit(hidden, |course| course.visible = false);
    let client = Client::over(world).await;
    let course = find(&client, "idnumber", "1").await;
    assert_eq!((&course[0]["visible"], course[0].get("idnumber")), (&json!(0), None));
    client.sandbox.world().moodle.grant(MOODLE_TOKEN, "moodle/course:update");
    assert_eq!(find(&client, "idnumber", "1").await[0]["idnumber"], "1");
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/course:view");
    assert_eq!(find(&client, "idnumber", "1").await[0].get("enablecompletion"), None);
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/course:viewhiddencourses");
    assert_eq!(find(&client, "idnumber", "1").await, Vec::<Value>::new());
}

#[tokio::test]
async fn manual_is_listed_only_while_an_enabled_method_exists() {
    let mut world = World::empty();
    let course = world.moodle.add_course("1", "C");
    let bare = world.moodle.add_course_without_method("2", "D");
    world.moodle.add_instance(bare, "self");
    let client = Client::over(world).await;
    assert_eq!(find(&client, "idnumber", "1").await[0]["enrollmentmethods"], json!(["manual"]));
    assert_eq!(find(&client, "idnumber", "2").await[0]["enrollmentmethods"], json!(["self"]));
    client.sandbox.world().moodle.disable_manual(course);
    assert_eq!(find(&client, "idnumber", "1").await[0]["enrollmentmethods"], json!([]));
}

#[tokio::test]
async fn the_opt_in_field_shows_by_its_visibility_and_defaults_by_its_own_rule() {
    let mut world = World::empty();
    let course = world.moodle.add_course("1", "C");
    let client = Client::over(world).await;
    let value = async || find(&client, "id", &course.to_string()).await[0]["customfields"][0]["valueraw"].clone();
    assert_eq!(value().await, json!(0));
    client.sandbox.world().moodle.opt_in_field.checked_by_default = true;
    assert_eq!(value().await, json!(1));
    client.sandbox.world().moodle.courses.edit(course, |course| course.opt_in = Some(false));
    assert_eq!(value().await, json!(0));
    client.sandbox.world().moodle.opt_in_field.visibility = Visibility::Teachers;
    assert_eq!(value().await, Value::Null);
    client.sandbox.world().moodle.grant(MOODLE_TOKEN, "moodle/course:update");
    assert_eq!(value().await, json!(0));
    client.sandbox.world().moodle.opt_in_field.visibility = Visibility::Nobody;
    assert_eq!(value().await, Value::Null);
}

#[tokio::test]
async fn one_unknown_id_among_several_is_a_php_error_without_a_code() {
    let mut world = World::empty();
    let course = world.moodle.add_course("1", "C");
    let client = Client::over(world).await;
    assert_eq!(find(&client, "ids", &format!("1,{course}")).await.len(), 2);
    let answer = client.call(BY_FIELD, &[("field", "ids"), ("value", &format!("{course},99"))]).await;
    assert_eq!((answer["exception"].as_str(), answer.get("errorcode")), (Some("Error"), None));
}

#[tokio::test]
async fn the_plain_list_skips_unknown_ids_and_fails_for_one_closed_course() {
    let mut world = World::empty();
    let course = world.moodle.add_course("1", "C");
    let client = Client::over(world).await;
    let list = "core_course_get_courses";
    let ask = form(&[("options[ids][0]", "99"), ("options[ids][1]", &course.to_string())]);
    let found = client.call_as(MOODLE_ADMIN_TOKEN, list, &ask).await;
    assert_eq!((found.as_array().map(Vec::len), &found[0]["idnumber"]), (Some(1), &json!("1")));
    let all = client.call_as(MOODLE_ADMIN_TOKEN, list, &[]).await;
    assert_eq!(all[0]["id"], 1, "the front page is among them");
    client.sandbox.world().moodle.list_function(MOODLE_TOKEN, list);
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/course:view");
    assert_eq!(code(&client.call_as(MOODLE_TOKEN, list, &ask).await), "errorcoursecontextnotvalid");
}

#[tokio::test]
async fn new_courses_need_free_names_and_can_be_deleted() {
    let client = Client::over(World::empty()).await;
    let ask = |shortname: &str, idnumber: &str| {
        form(&[
            ("courses[0][fullname]", "F"),
            ("courses[0][shortname]", shortname),
            ("courses[0][categoryid]", "1"),
            ("courses[0][idnumber]", idnumber),
        ])
    };
    let create = "core_course_create_courses";
    let made = client.call_as(MOODLE_ADMIN_TOKEN, create, &ask("S", "1")).await;
    assert_eq!(made, json!([{"id": 2, "shortname": "S"}]));
    assert_eq!(code(&client.call_as(MOODLE_ADMIN_TOKEN, create, &ask("s", "2")).await), "shortnametaken");
    assert_eq!(code(&client.call_as(MOODLE_ADMIN_TOKEN, create, &ask("T", "1")).await), "courseidnumbertaken");
    let delete = form(&[("courseids[0]", "2"), ("courseids[1]", "77")]);
    let answer = client.call_as(MOODLE_ADMIN_TOKEN, "core_course_delete_courses", &delete).await;
    assert_eq!(answer["warnings"][0]["itemid"], 77);
    assert_eq!(find(&client, "idnumber", "1").await, Vec::<Value>::new());
}
