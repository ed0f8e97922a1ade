//! A guard that refuses leaves everything as it is, keeps the plan, and lets it run once a named person approves it.

use crate::stage::{FIRST, LARGE, SMALL, Stage, ago, empty_school, enrol, school, suspend};
use jiff::SignedDuration;
use rollbook_core::run::RunState;
use rollbook_journal::PlanState;
use rollbook_sandbox::FeedRow;
use std::time::Duration;

/// A stage on which a guard refuses the school's feed, after it did.
async fn refused(limits: &str, check: &str) -> Stage {
    let stage = Stage::with_config(school(), &format!("[link.psa.limits]\n{limits}")).await;
    let before = stage.picture().await.moodle;
    let report = stage.round().await.unwrap();
    assert_eq!(report.state, RunState::GuardRefused, "{limits}");
    assert!(report.findings.iter().any(|finding| finding.check == check), "{limits}: {:?}", report.findings);
    assert_eq!(stage.picture().await.moodle, before, "{limits}: nothing was changed");
    assert_eq!((stage.writes(), stage.sandbox.world().mail.mails.len()), (0, 0), "{limits}");
    let plans = stage.journal.plans().list(None, Some(PlanState::Blocked), None, 10).await.unwrap();
    assert_eq!(plans.len(), 1, "{limits}: the plan is kept");
    stage
}

async fn approve(stage: &Stage) {
    let plans = stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap();
    let expires = stage.clock.now() + SignedDuration::from_hours(24);
    stage.journal.plans().approve(plans[0].id, "Jo Admin", "term start", expires, stage.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_new_accounts_are_refused() {
    refused("new_accounts = 9", "new_accounts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_welcome_mails_are_refused() {
    refused("welcome_mails = 18", "welcome_mails").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_suspensions_are_refused() {
    refused("suspensions = 7", "suspensions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_large_a_share_of_a_course_is_refused() {
    refused("suspensions_share = 0.1", "suspensions_share").await;
}

/// Below the exemption a course is read person by person, and its size is not known: small counts are exempt all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_share_counts_for_a_small_course_too() {
    let mut world = empty_school();
    for number in 14..22 {
        world.elm.push(suspend(&format!("E{number}"), SMALL, 30));
    }
    let stage = Stage::new(world).await;
    let report = stage.round().await.unwrap();
    assert_eq!(report.state, RunState::GuardRefused, "all eight of a course are a share of 100 %");
}

/// An operator who sets the exemption to nothing wants every course watched, also by few suspensions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_exemption_the_share_counts_however_few_are_suspended() {
    let mut world = empty_school();
    world.moodle.add_course("930004", "Two people");
    let course = world.moodle.courses_by_idnumber("930004")[0].id;
    for guid in ["E1", "E2"] {
        let user = world.moodle.user_by_guid(guid).unwrap().id;
        world.moodle.enrol(user, course);
        world.elm.push(suspend(guid, 930_004, 30));
    }
    let stage = Stage::with_config(world, "[link.psa.limits]\nexempt_under = 0").await;
    let report = stage.round().await.unwrap();
    assert_eq!(report.state, RunState::GuardRefused, "both of two people are a share of 100 %");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_plan_runs_once() {
    let stage = refused("new_accounts = 9", "new_accounts").await;
    approve(&stage).await;
    stage.hand.advance(Duration::from_secs(3_600));
    let report = stage.round().await.unwrap();
    assert!(report.counts.accounts == 10 && report.state != RunState::GuardRefused, "{:?}", report.state);
    let used = stage.journal.plans().list(None, Some(PlanState::Used), None, 9).await.unwrap();
    assert_eq!(used.len(), 1);
    // The same many newcomers again: the word was used up.
    for number in 50..60 {
        stage.sandbox.world().elm.push(enrol(&format!("N{number}"), FIRST, -10));
    }
    stage.hand.advance(Duration::from_secs(3_600));
    assert_eq!(stage.round().await.unwrap().state, RunState::GuardRefused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_does_not_count_for_another_plan() {
    let stage = refused("new_accounts = 9", "new_accounts").await;
    approve(&stage).await;
    stage.sandbox.world().elm.push(enrol("N77", LARGE, -10));
    stage.hand.advance(Duration::from_secs(3_600));
    assert_eq!(stage.round().await.unwrap().state, RunState::GuardRefused);
    assert_eq!(stage.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_plan_goes_on_by_itself_once_the_limit_allows_it() {
    let stage = refused("suspensions = 7", "suspensions").await;
    let config = std::fs::read_to_string(stage.config()).unwrap();
    std::fs::write(stage.config(), config.replace("suspensions = 7", "suspensions = 8")).unwrap();
    stage.settle("a larger limit").await;
    assert_eq!(stage.codes("E10").await, ["930002: suspended"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protected_people_are_never_touched() {
    let mut world = school();
    world.elm.push(FeedRow::enrol("E5", "e5@example.org", FIRST, ago(20)));
    let text = "[link.psa.limits]\nsuspensions = 50";
    let stage = Stage::with_config(world, text).await;
    let config = std::fs::read_to_string(stage.config()).unwrap();
    let config = config.replace("to = \"learning\"", "to = \"learning\"\nprotected = [\"e5\", \"e10@example.org\"]");
    std::fs::write(stage.config(), config).unwrap();
    stage.round().await.unwrap();
    assert_eq!(stage.codes("E5").await, ["930001: protected"]);
    assert_eq!(stage.codes("E10").await, ["930002: protected"]);
    let world = stage.sandbox.world();
    let (user, course) =
        (world.moodle.user_by_guid("E10").unwrap().id, world.moodle.courses_by_idnumber("930002")[0].id);
    assert!(!world.moodle.enrolment(user, course).unwrap().suspended);
}
