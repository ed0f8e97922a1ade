//! A guard holds back its own changes, keeps them, and lets them run once a named person approves them; the rest goes on.

use crate::stage::{FIRST, LARGE, SMALL, Stage, ago, empty_school, enrol, link, mail, school, suspend};
use jiff::SignedDuration;
use rollbook_core::run::RunState;
use rollbook_journal::PlanState;
use rollbook_sandbox::{FeedRow, MOODLE_TOKEN};
use rollbook_sync::flows::intake::{IntakeQuery, Purpose};
use std::time::Duration;

/// A stage on which a guard holds back some of the school's changes, after it did: so many accounts, enrolments and
/// suspensions were made, and one plan waits.
async fn held(limits: &str, check: &str, made: [u64; 3]) -> Stage {
    let stage = Stage::with_config(school(), &format!("[link.psa.limits]\n{limits}")).await;
    let dry = stage.run_with(Purpose::DryRun, IntakeQuery::New).await.unwrap();
    let report = stage.round().await.unwrap();
    assert_eq!(report.state, RunState::GuardRefused, "{limits}");
    assert!(report.findings.iter().any(|finding| finding.check == check), "{limits}: {:?}", report.findings);
    let counts = report.counts;
    assert_eq!([counts.accounts, counts.enrolled, counts.suspended], made, "{limits}: the rest goes on");
    assert_eq!((dry.held, dry.findings), (report.held, report.findings), "{limits}: a dry run says the same");
    let plans = stage.journal.plans().list(None, Some(PlanState::Blocked), None, 10).await.unwrap();
    assert_eq!(plans.len(), 1, "{limits}: what is held back is kept");
    stage
}

async fn approve(stage: &Stage) {
    let plans = stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap();
    let expires = stage.clock.now() + SignedDuration::from_hours(24);
    stage.journal.plans().approve(plans[0].id, "Jo Admin", "term start", expires, stage.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_new_accounts_are_refused() {
    held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_welcome_mails_are_refused() {
    held("welcome_mails = 18", "welcome_mails", [0, 0, 8]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_suspensions_are_refused() {
    held("suspensions = 7", "suspensions", [10, 19, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_large_a_share_of_a_course_is_refused() {
    held("suspensions_share = 0.1", "suspensions_share", [10, 19, 2]).await;
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
    let stage = held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
    approve(&stage).await;
    stage.hand.advance(Duration::from_secs(3_600));
    let report = stage.round().await.unwrap();
    assert!(report.counts.accounts == 10 && report.state != RunState::GuardRefused, "{:?}", report.findings);
    let used = stage.journal.plans().list(None, Some(PlanState::Used), None, 9).await.unwrap();
    assert_eq!(used.len(), 1);
    // The same many newcomers again: the word was used up.
    for number in 50..60 {
        stage.sandbox.world().elm.push(enrol(&format!("N{number}"), FIRST, -10));
    }
    stage.hand.advance(Duration::from_secs(3_600));
    assert_eq!(stage.round().await.unwrap().state, RunState::GuardRefused);
}

/// Issue 12 §5: the approved changes run at once with the next run, whatever else the feed has brought meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unrelated_record_does_not_void_an_approval_and_the_changes_run_at_once() {
    let stage = held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
    approve(&stage).await;
    stage.sandbox.world().elm.push(enrol("E8", FIRST, -1));
    stage.hand.advance(Duration::from_secs(120));
    let report = stage.round().await.unwrap();
    assert_eq!((report.counts.accounts, report.counts.enrolled), (10, 14), "{:?}", report.findings);
    assert_ne!(report.state, RunState::GuardRefused);
    assert!(stage.journal.plans().open(&link()).await.unwrap().is_empty());
}

/// One newcomer more than was approved is within the limit by herself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_approved_does_not_count_against_what_came_later() {
    let stage = held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
    approve(&stage).await;
    stage.sandbox.world().elm.push(enrol("N77", LARGE, -1));
    stage.hand.advance(Duration::from_secs(120));
    assert_eq!(stage.round().await.unwrap().counts.accounts, 11);
}

/// Issue 12 §5, first row: good changes go on while others wait, run after run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unrelated_changes_go_on_while_others_wait_for_approval() {
    let stage = held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
    for number in [7, 8] {
        stage.sandbox.world().elm.push(enrol(&format!("E{number}"), FIRST, -number));
        stage.hand.advance(Duration::from_secs(600));
        let report = stage.round().await.unwrap();
        assert_eq!((report.counts.accounts, report.counts.enrolled, report.state), (0, 1, RunState::GuardRefused));
        assert_eq!(stage.journal.plans().open(&link()).await.unwrap().len(), 1, "one plan waits, the same");
    }
}

/// CASES G2 for intake: what is held back and no longer wanted lapses by itself at the next look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_nobody_wants_any_more_lapses_by_itself() {
    let stage = held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
    let plan = stage.journal.plans().open(&link()).await.unwrap()[0].id;
    for number in 0..10 {
        let guid = format!("N{number}");
        stage.sandbox.world().elm.push(suspend(&guid, FIRST, -1));
        stage.sandbox.world().elm.push(suspend(&guid, LARGE, -1));
    }
    stage.hand.advance(Duration::from_secs(120));
    let report = stage.round().await.unwrap();
    assert_ne!(report.state, RunState::GuardRefused, "{:?}", report.findings);
    assert_eq!(stage.journal.plans().find(plan).await.unwrap().state, PlanState::Lapsed);
}

/// A person's records alone would be within every limit: what waits for approval is not done piece by piece meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_approval_is_not_done_person_by_person_meanwhile() {
    let stage = held("new_accounts = 9", "new_accounts", [0, 6, 8]).await;
    let query = IntakeQuery::Person { mail: None, guid: Some("N1".to_owned()) };
    let report = stage.run_with(Purpose::Apply, query).await.unwrap();
    assert_eq!((report.counts.accounts, report.state), (0, RunState::GuardRefused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_plan_goes_on_by_itself_once_the_limit_allows_it() {
    let stage = held("suspensions = 7", "suspensions", [10, 19, 0]).await;
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

/// Without a database too: the guest, the administrator that every Moodle has, and the account that Rollbook signs in with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guest_service_account_and_administrator_are_left_alone_in_intake() {
    let mut world = empty_school();
    let service = world.moodle.tokens[MOODLE_TOKEN].user_id;
    let people = [("GUEST", 1), ("ADMIN", 2), ("SERVICE", service)];
    for (guid, id) in people {
        let address = mail(guid);
        world.moodle.users.edit(id, |user| (user.idnumber, user.email) = (guid.to_owned(), address));
        world.elm.push(enrol(guid, FIRST, 30));
    }
    let stage = Stage::new(world).await;
    let report = stage.round().await.unwrap();
    assert_eq!((report.counts.enrolled, stage.writes()), (0, 0));
    for (guid, _) in people {
        assert_eq!(stage.codes(guid).await, ["930001: protected"], "{guid}");
    }
}
