//! A Moodle that cannot serve, does not admit, or shows too little stops the run before any effect, and is named.

use super::words;
use crate::stage::{Stage, school};
use rollbook_sandbox::MOODLE_TOKEN;
use rollbook_sandbox::moodle::Maintenance;

/// Runs on a Moodle that was spoilt, and gives what the run said. Nothing may have changed.
async fn refuse(what: &str, spoil: impl FnOnce(&mut Stage)) -> String {
    let mut stage = Stage::new(school()).await;
    spoil(&mut stage);
    let (before, mails) = (format!("{:?}", stage.picture().await.moodle), stage.sandbox.world().mail.mails.len());
    let error = stage.run().await.expect_err(what);
    stage.deliver().await;
    assert_eq!(format!("{:?}", stage.picture().await.moodle), before, "{what}");
    assert_eq!(stage.sandbox.world().mail.mails.len(), mails, "{what}");
    assert_eq!(stage.writes(), 0, "{what}: {}", words(&error));
    assert!(stage.last_run().await.starts_with("failed"), "{what}");
    words(&error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moodle_in_maintenance_stops_the_run_before_any_effect() {
    let said = refuse("pages", |stage| stage.sandbox.world().moodle.site.maintenance = Maintenance::Pages).await;
    assert!(said.contains("cannot serve now: sitemaintenance"), "{said}");
    let said = refuse("command line", |stage| stage.sandbox.world().moodle.site.maintenance = Maintenance::Cli).await;
    assert!(said.contains("cannot serve now: http_503"), "{said}");
    let said = refuse("upgrade", |stage| stage.sandbox.world().moodle.site.upgrading = true).await;
    assert!(said.contains("cannot serve now: upgraderunning"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_stops_the_run_before_any_effect() {
    let said = refuse("token", |stage| stage.moodle_token = "f".repeat(32)).await;
    assert!(said.contains("invalidtoken"), "{said}");
    let said = refuse("rest", |stage| stage.sandbox.world().moodle.site.rest_enabled = false).await;
    assert!(said.contains("http_403"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_function_stops_the_run_before_any_effect_and_is_named() {
    for function in [
        "core_webservice_get_site_info",
        "core_user_get_users_by_field",
        "core_user_create_users",
        "core_course_get_courses_by_field",
        "enrol_manual_enrol_users",
        "core_enrol_get_enrolled_users",
        "core_enrol_get_users_courses",
    ] {
        let take = |stage: &mut Stage| {
            let mut world = stage.sandbox.world();
            world.moodle.tokens.get_mut(MOODLE_TOKEN).unwrap().functions.remove(function);
        };
        let said = refuse(function, take).await;
        assert!(said.contains(function), "{function}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_capability_to_see_stops_the_run_before_any_effect_and_is_named() {
    for capability in ["moodle/user:viewdetails", "moodle/user:viewalldetails", "moodle/site:viewuseridentity"] {
        let said = refuse(capability, |stage| stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, capability)).await;
        assert!(said.contains(capability), "{capability}: {said}");
    }
    let said = refuse("webservice/rest:use", |stage| {
        stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, "webservice/rest:use");
    });
    assert!(said.await.contains("accessexception"));
    let said = refuse("showuseridentity", |stage| stage.sandbox.world().moodle.site.show_user_identity.clear()).await;
    assert!(said.contains("showuseridentity"), "{said}");
    let said = refuse("hiddenuserfields", |stage| {
        stage.sandbox.world().moodle.site.hidden_user_fields.insert("suspended".to_owned());
    });
    assert!(said.await.contains("hiddenuserfields"));
}

/// Rights that show only when they are used: the run finds them missing at the first write, or at a course.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_capability_to_act_ends_in_records_that_wait_for_a_human_and_then_go_on() {
    for capability in ["moodle/user:create", "enrol/manual:enrol", "moodle/course:viewparticipants", "moodle/course:view"] {
        let stage = Stage::new(school()).await;
        stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, capability);
        let first = stage.round().await;
        let told = first.map_or_else(|error| words(&error), |report| format!("{:?}", report.counts));
        stage.sandbox.world().moodle.grant(MOODLE_TOKEN, capability);
        stage.settle(capability).await;
        let twin = Stage::new(school()).await;
        twin.round().await.unwrap();
        twin.settle("twin").await;
        stage.picture().await.assert_like(&twin.picture().await, &format!("{capability}: {told}"));
    }
}
