//! Who is in a course.

use crate::client::{Client, code, form};
use rollbook_sandbox::moodle::Context;
use rollbook_sandbox::{MOODLE_TOKEN, World};
use serde_json::{Value, json};

const LIST: &str = "core_enrol_get_enrolled_users";

struct Course {
    client: Client,
    id: i64,
    /// Active, suspended, not yet started, ended.
    people: [i64; 4],
}

async fn course() -> Course {
    let mut world = World::empty();
    let id = world.moodle.add_course("100", "C");
    let people = ["D", "C", "B", "A"].map(|name| {
        let user = world.moodle.add_user(name, &format!("{name}@example.org"), name, name);
        let row = world.moodle.enrol(user, id);
        world.moodle.enrolments.edit(row, |row| match name {
            "C" => row.suspended = true,
            "B" => row.timestart = 4_000_000_000,
            "A" => row.timeend = 1000,
            _ => {}
        });
        user
    });
    Course { client: Client::over(world).await, id, people }
}

impl Course {
    async fn list(&self, options: &[(&str, &str)]) -> Value {
        let mut ask = form(&[("courseid", &self.id.to_string())]);
        for (at, (name, value)) in options.iter().enumerate() {
            ask.push((format!("options[{at}][name]"), (*name).to_owned()));
            ask.push((format!("options[{at}][value]"), (*value).to_owned()));
        }
        self.client.call_as(MOODLE_TOKEN, LIST, &ask).await
    }

    async fn ids(&self, options: &[(&str, &str)]) -> Vec<i64> {
        let list = self.list(options).await;
        list.as_array().expect("a list").iter().filter_map(|user| user["id"].as_i64()).collect()
    }
}

#[tokio::test]
async fn everybody_is_listed_and_only_suspended_holds_all_who_are_not_active() {
    let course = course().await;
    let [active, suspended, early, late] = course.people;
    assert_eq!(course.ids(&[]).await, [active, suspended, early, late]);
    assert_eq!(course.ids(&[("onlyactive", "1")]).await, [active]);
    assert_eq!(course.ids(&[("onlysuspended", "1")]).await, [suspended, early, late]);
    let both = course.list(&[("onlyactive", "1"), ("onlysuspended", "1")]).await;
    assert_eq!(code(&both), "codingerror");
}

#[tokio::test]
async fn pages_and_order_follow_the_options() {
    let course = course().await;
    let [d, c, b, a] = course.people;
    assert_eq!(course.ids(&[("limitfrom", "1"), ("limitnumber", "2")]).await, [c, b]);
    assert_eq!(course.ids(&[("limitnumber", "0")]).await.len(), 4);
    assert_eq!(course.ids(&[("sortby", "lastname")]).await, [a, b, c, d]);
    assert_eq!(course.ids(&[("sortby", "lastname"), ("sortdirection", "DESC")]).await, [d, c, b, a]);
    assert_eq!(course.ids(&[("nosuchoption", "1")]).await.len(), 4);
    assert_eq!(code(&course.list(&[("sortby", "email")]).await), "invalidparameter");
}

#[tokio::test]
async fn fields_are_limited_and_the_full_name_always_comes() {
    let course = course().await;
    let list = course.list(&[("userfields", "id")]).await;
    assert_eq!(list[0], json!({"id": course.people[0], "fullname": "D D"}));
    assert_eq!(code(&course.list(&[("userfields", "id,shoesize")]).await), "invaliduserfield");
    let list = course.list(&[("userfields", "id,email,roles")]).await;
    assert_eq!(list[0]["roles"][0]["shortname"], "student");
    assert_eq!(list[0]["email"], "D@example.org");
    let whole = course.list(&[]).await;
    assert_eq!((&whole[0]["groups"], whole[0].get("status"), whole[0].get("timestart")), (&json!([]), None, None));
}

#[tokio::test]
async fn only_roles_of_the_course_itself_show() {
    let course = course().await;
    course.client.sandbox.world().moodle.assign(9, course.people[0], Context::System);
    let list = course.list(&[("userfields", "id,roles")]).await;
    assert_eq!(list[0]["roles"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn separate_groups_hide_everybody_from_who_may_not_see_all_of_them() {
    let course = course().await;
    let all = course.list(&[]).await;
    course.client.sandbox.world().moodle.courses.edit(course.id, |course| course.separate_groups = true);
    assert_eq!(course.list(&[]).await, all);
    assert_eq!(course.list(&[("groupid", "7")]).await, json!([]));
    course.client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/site:accessallgroups");
    assert_eq!(course.list(&[]).await, json!([]));
    assert_eq!(code(&course.list(&[("groupid", "7")]).await), "nopermissions");
}

#[tokio::test]
async fn rights_hide_people_or_close_the_list() {
    let course = course().await;
    let revoke = |capability: &str| course.client.sandbox.world().moodle.revoke(MOODLE_TOKEN, capability);
    revoke("moodle/user:viewdetails");
    assert_eq!(course.list(&[]).await, json!([]));
    revoke("moodle/course:enrolreview");
    assert_eq!(code(&course.list(&[("onlyactive", "1")]).await), "nopermissions");
    assert_eq!(course.list(&[]).await, json!([]));
    revoke("moodle/course:viewparticipants");
    assert_eq!(code(&course.list(&[]).await), "nopermissions");
    revoke("moodle/course:view");
    assert_eq!(code(&course.list(&[]).await), "errorcoursecontextnotvalid");
    let unknown = course.client.call(LIST, &[("courseid", "999")]).await;
    assert_eq!(code(&unknown), "invalidrecord");
}
