//! A Moodle that cannot serve, does not admit, or shows too little stops the run before any effect, and is named.

use super::words;
use crate::stage::{SMALL, Stage, empty_school, enrol, school, suspend};
use rollbook_sandbox::MOODLE_TOKEN;
use rollbook_sandbox::moodle::Maintenance;
use rollbook_sync::flows::intake::{IntakeQuery, Purpose};

/// Runs on a Moodle that was spoilt, and gives what the run said. Nothing may have changed.
async fn refuse(what: &str, spoil: impl FnOnce(&mut Stage)) -> String {
    let mut stage = Stage::new(school()).await;
    spoil(&mut stage);
    let (before, mails) = (format!("{:?}", stage.picture().await.moodle), stage.sandbox.world().mail.mails.len());
    let error = stage.run().await.expect_err(what);
    stage.deliver().await;
    assert_eq!(format!("{:?}", stage.picture().await.moodle), before, "{what}");
    assert_eq!(stage.sandbox.world().mail.mails.len(), mails, "{what}");
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

/// Rights that show only when they are used are asked for before the first write, by what Moodle refuses to everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_capability_to_act_stops_the_run_before_any_effect_and_is_named() {
    for (capability, named) in [
        ("moodle/user:create", "moodle/user:create"),
        ("enrol/manual:enrol", "enrol/manual:enrol"),
        ("moodle/role:assign", "moodle/role:assign"),
        ("moodle/course:view", "moodle/course:view"),
        ("moodle/course:enrolreview", "moodle/course:enrolreview"),
        ("moodle/site:accessallgroups", "moodle/site:accessallgroups"),
    ] {
        let said = refuse(capability, |stage| stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, capability)).await;
        assert!(said.contains(named), "{capability}: {said}");
    }
}

/// A token that sees too little finds nobody. Nothing may be settled on its word, also where nothing would be changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absence_settles_nothing_while_the_sight_is_not_proven() {
    for capability in [
        "moodle/user:viewdetails",
        "moodle/user:viewalldetails",
        "moodle/course:enrolreview",
        "moodle/site:accessallgroups",
    ] {
        let mut world = empty_school();
        [16, 17].into_iter().for_each(|number| world.elm.push(suspend(&format!("E{number}"), SMALL, 30)));
        world.moodle.revoke(MOODLE_TOKEN, capability);
        world.moodle.revoke(MOODLE_TOKEN, "moodle/course:viewparticipants");
        let stage = Stage::new(world).await;
        let said = words(&stage.round().await.unwrap_err());
        assert!(said.contains(capability), "{capability}: {said}");
        for dry in [Purpose::DryRun, Purpose::Apply] {
            assert!(
                stage.run_with(dry, IntakeQuery::New).await.is_err(),
                "{capability}: a dry run fails where a real one does"
            );
        }
        stage.sandbox.world().moodle.grant(MOODLE_TOKEN, capability);
        stage.settle(capability).await;
        assert_eq!(stage.codes("E16").await, ["930003: suspended"], "{capability}");
        assert_eq!(stage.codes("E17").await, ["930003: suspended"], "{capability}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_course_that_cannot_be_opened_keeps_the_others_not_waiting() {
    let mut world = school();
    let hidden = world.moodle.add_course("930007", "Hidden");
    world.moodle.courses.edit(hidden, |course| course.visible = false);
    world.elm.push(enrol("E1", 930_007, 40));
    world.moodle.revoke(MOODLE_TOKEN, "moodle/course:viewhiddencourses");
    let stage = Stage::new(world).await;
    let report = stage.round().await.unwrap();
    assert_eq!((report.counts.enrolled, report.counts.suspended), (19, 8));
    assert!(stage.codes("E1").await.iter().any(|code| code.starts_with("930007: course_not_found")));
}
