//! What Moodle 5 does differently (part M of the facts).

use crate::client::{Client, Form, code, enrolments, form};
use rollbook_sandbox::moodle::{Release, SITE_SECRET, WelcomeFrom};
use rollbook_sandbox::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, World};
use serde_json::{Value, json};

const ENROL: &str = "enrol_manual_enrol_users";
const UNENROL: &str = "enrol_manual_unenrol_users";

async fn of(release: Release) -> Client {
    let mut world = World::empty();
    world.moodle.site.release = release;
    Client::over(world).await
}

// Part M, live50: "With debugging off every missing record answers invalidrecordunknown".
#[tokio::test]
async fn missing_records_have_one_code_in_5_0_while_debugging_is_off() {
    let asked: [(&str, Form, &str); 4] = [
        ("core_enrol_get_enrolled_users", form(&[("courseid", "999")]), "invalidrecord"),
        ("core_cohort_get_cohort_members", form(&[("cohortids[0]", "999")]), "invalidrecord"),
        ("core_user_delete_users", form(&[("userids[0]", "999")]), "invaliduser"),
        ("core_completion_get_course_completion_status", form(&[("courseid", "1"), ("userid", "999")]), "invaliduser"),
    ];
    for (function, params, before) in asked {
        for (release, debug, expected) in [
            (Release::V4_5, 0, before),
            (Release::V5_0, 0, "invalidrecordunknown"),
            (Release::V5_2, 5, "invalidrecordunknown"),
            (Release::V5_0, 15, before),
        ] {
            let client = of(release).await;
            client.sandbox.world().moodle.site.debug = debug;
            let answer = client.call_as(MOODLE_ADMIN_TOKEN, function, &params).await;
            assert_eq!(code(&answer), expected, "{function} {release:?} {debug}");
            assert_eq!(answer["exception"], "dml_missing_record_exception");
        }
    }
}

// Part M, live50: an unknown user is not checked first; with the welcome message on a TypeError without errorcode.
#[tokio::test]
async fn enrolling_nobody_in_5_0_is_a_type_error_where_the_welcome_message_is_on() {
    let client = of(Release::V5_0).await;
    let course = client.sandbox.world().moodle.add_course("1", "C");
    let form = enrolments(&[(999, course)], &[]);
    let answer = client.call_as(MOODLE_TOKEN, ENROL, &form).await;
    assert_eq!(json!([answer["exception"], answer.get("errorcode")]), json!(["TypeError", null]));
    {
        let moodle = &mut client.sandbox.world().moodle;
        let method = moodle.manual_instances(course)[0];
        moodle.instances.edit(method, |method| method.welcome = WelcomeFrom::Nobody);
    }
    assert_eq!(code(&client.call_as(MOODLE_TOKEN, ENROL, &form).await), "codingerror");
    assert!(client.sandbox.world().moodle.enrolments.is_empty());
    // Unconfirmed accounts and the guest pass again, as on 4.4.
    assert_eq!(client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(1, course)], &[])).await, Value::Null);
}

// Part M, read: "site_info carries a site secret … users gain initials"; B1: "ignore unknown fields".
#[tokio::test]
async fn answers_of_5_2_say_more() {
    for (release, more) in [(Release::V5_0, false), (Release::V5_2, true)] {
        let client = of(release).await;
        let info = client.call("core_webservice_get_site_info", &[]).await;
        assert_eq!(info["sitesecret"] == SITE_SECRET, more);
        assert_eq!(info.get("usercanviewconfig").is_some(), more);
        let user = client.call("core_user_get_users_by_field", &[("field", "id"), ("values[0]", "2")]).await;
        assert_eq!(user[0].get("initials").is_some(), more);
    }
}

// Part M, read: "get_users_by_field leaves out a value 0".
#[tokio::test]
async fn the_value_0_finds_nobody_in_5_2() {
    for (release, hits) in [(Release::V5_1, 1), (Release::V5_2, 0)] {
        let client = of(release).await;
        client.sandbox.world().moodle.add_user("0", "zero@example.org", "Z", "Z");
        let found = client.call("core_user_get_users_by_field", &[("field", "idnumber"), ("values[0]", "0")]).await;
        assert_eq!(found.as_array().map(Vec::len), Some(hits), "{release:?}");
    }
}

// E: "unenrol loses roleid": an unexpected key in 5.2.
#[tokio::test]
async fn a_role_id_when_unenrolling_is_an_unexpected_key_in_5_2() {
    for (release, expected) in [(Release::V5_1, ""), (Release::V5_2, "invalidparameter")] {
        let client = of(release).await;
        let (user, course) = {
            let moodle = &mut client.sandbox.world().moodle;
            let pair = (moodle.add_user("A", "a@example.org", "A", "A"), moodle.add_course("1", "C"));
            moodle.enrol(pair.0, pair.1);
            pair
        };
        let answer = client.call_as(MOODLE_ADMIN_TOKEN, UNENROL, &enrolments(&[(user, course)], &[])).await;
        assert_eq!(code(&answer), expected, "{release:?}");
    }
}
