//! What the doctor says of a completions link, in each of the ways to find completions.

use crate::tables::{Server, Tables};
use crate::world::{COURSE, Lookups, Stage, flow, minutes};
use rollbook_sandbox::{Fault, Kind, MOODLE_TOKEN, Target};
use rollbook_sync::flows::completions::{FoundBy, Sending};
use rollbook_sync::flows::doctor::{Check, Health, examine_completions};

async fn examine(stage: &Stage) -> Vec<Check> {
    examine_completions(&stage.flow, &stage.clock).await
}

/// The only check of a name.
async fn check(stage: &Stage, name: &str) -> Check {
    let checks = examine(stage).await;
    let mut found = checks.iter().filter(|check| check.name == name).cloned();
    let (only, more) = (found.next(), found.next());
    assert!(more.is_none(), "{checks:?}");
    only.unwrap_or_else(|| panic!("no check called {name}: {checks:?}"))
}

async fn by_tables() -> (Stage, Tables) {
    let mut stage = Stage::new().await;
    let tables = Tables::new(Server::Sqlite).await;
    stage.flow.method = FoundBy::Database(tables.open());
    (stage, tables)
}

#[tokio::test]
async fn healthy_link_has_nothing_to_mend() {
    let stage = Stage::new().await;
    stage.enrol(1..2).await;
    let checks = examine(&stage).await;
    assert!(checks.iter().all(|check| check.health == Health::Good && check.mend.is_empty()), "{checks:?}");
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["opt-in", "may see completions", "look-up"]);
}

#[tokio::test]
async fn tracking_that_is_off_in_the_whole_site_is_bad_in_every_way() {
    let (by_database, tables) = by_tables().await;
    tables.course(5, &COURSE.to_string(), Some(1)).await;
    let by_polling = Stage::new().await;
    for stage in [by_database, by_polling] {
        assert!(examine(&stage).await.iter().all(|check| check.name != "tracking"));
        stage.sandbox.world().moodle.site.tracks_completion = false;
        let told = check(&stage, "tracking").await;
        assert_eq!(told.health, Health::Bad);
        assert!(told.detail.contains("in the whole site") && told.mend.contains("enablecompletion"), "{told:?}");
    }
}

#[tokio::test]
async fn course_that_opted_in_and_tracks_nothing_is_named() {
    let stage = Stage::new().await;
    let course = stage.add_course(COURSE + 1);
    stage.sandbox.world().moodle.courses.edit(course, |course| course.enablecompletion = false);
    let told = check(&stage, "tracking").await;
    assert_eq!(
        (told.health, told.detail),
        (Health::Warning, format!("opted in without tracking completion: course {course}"))
    );
}

#[tokio::test]
async fn missing_opt_in_field_is_bad_and_no_opted_course_a_warning() {
    let mut stage = Stage::new().await;
    stage.flow.opt_in_field = "renamed".to_owned();
    let told = check(&stage, "opt-in").await;
    assert_eq!((told.health, told.detail.as_str()), (Health::Bad, "no course shows a field called renamed"));
    assert!(told.mend.contains("opt_in_field"), "{told:?}");
    stage.flow.opt_in_field = "completion_opt_in".to_owned();
    let course = stage.sandbox.world().moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
    stage.sandbox.world().moodle.courses.edit(course, |course| course.opt_in = Some(false));
    assert_eq!(check(&stage, "opt-in").await.health, Health::Warning);

    let (mut stage, tables) = by_tables().await;
    tables.course(5, &COURSE.to_string(), Some(1)).await;
    assert_eq!(check(&stage, "opt-in").await.health, Health::Good);
    stage.flow.opt_in_field = "renamed".to_owned();
    assert_eq!(check(&stage, "opt-in").await.health, Health::Bad);
}

#[tokio::test]
async fn database_that_is_reached_is_told_with_what_it_has_and_one_that_is_not_with_its_mend() {
    let (mut stage, tables) = by_tables().await;
    tables.course(5, &COURSE.to_string(), Some(1)).await;
    tables.course(6, "", Some(1)).await;
    tables.user(7, "GUID000007").await;
    tables.complete(7, 5, Some(stage.clock.now() - minutes(60))).await;
    let told = check(&stage, "completions").await;
    assert_eq!(told.health, Health::Good);
    assert!(told.detail.starts_with("1 of the last 48 hours, read in "), "{told:?}");
    let nameless = check(&stage, "ID numbers").await;
    assert_eq!(
        (nameless.health, nameless.detail.as_str()),
        (Health::Warning, "opted in without an ID number: course 6")
    );

    tables.sql("ALTER TABLE mdl_course_completions RENAME TO mdl_gone").await;
    let told = check(&stage, "completions").await;
    assert!(told.health == Health::Bad && told.mend.contains("SELECT"), "{told:?}");
    let elsewhere = tempfile::tempdir().unwrap();
    let options = rollbook_remote::database::DatabaseOptions {
        url: format!("sqlite:{}", elsewhere.path().join("nothing.db").display()).into(),
        prefix: "mdl_".to_owned(),
        connections_max: 1,
        timeout: std::time::Duration::from_secs(5),
    };
    stage.flow.method = FoundBy::Database(rollbook_remote::database::Database::new(&options).unwrap());
    let told = check(&stage, "opt-in").await;
    assert!(told.health == Health::Bad && told.mend.contains("[database]"), "{told:?}");
    assert!(examine(&stage).await.iter().all(|check| check.name != "completions"), "nothing more is asked of it");
}

#[tokio::test]
async fn right_that_is_missing_is_named() {
    let stage = Stage::new().await;
    stage.sandbox.world().moodle.revoke(MOODLE_TOKEN, "report/completion:view");
    let told = check(&stage, "may see completions").await;
    assert_eq!((told.health, told.mend.as_str()), (Health::Bad, "give the service role report/completion:view"));
}

#[tokio::test]
async fn missing_look_up_is_a_warning_and_one_that_fails_is_bad() {
    let mut stage = Stage::new().await;
    for (status, word) in [(401, "token"), (500, "lookup_url")] {
        stage.sandbox.faults().arm(Fault::every(Target::Completion, Kind::HttpBeforeEffect(status)));
        let told = check(&stage, "look-up").await;
        assert!(told.health == Health::Bad && told.mend.contains(word), "{status}: {told:?}");
        stage.sandbox.faults().clear();
    }
    stage.flow = flow(&stage.sandbox.moodle_url(), &stage.sandbox.completion_url(), Lookups::No);
    let told = check(&stage, "look-up").await;
    assert_eq!(told.health, Health::Warning);
    assert!(told.detail.contains("sent again, with the same key") && told.mend.contains("lookup_url"), "{told:?}");
}

#[tokio::test]
async fn kill_switch_and_a_missing_intake_link_are_told() {
    let mut stage = Stage::new().await;
    stage.flow.sending = Sending::Off;
    stage.flow.intakes.clear();
    assert_eq!(check(&stage, "sending").await.health, Health::Warning);
    assert_eq!(check(&stage, "enrolments").await.health, Health::Bad);
}
