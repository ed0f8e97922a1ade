//! The live suite, asked of the sandbox: what it says of a real Moodle must hold of the stand-in too.
//!
//! A case that fails here and not on a real site is a mistake of the sandbox. Next: `rollbook::live`, the cases.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use rollbook::clock::Clock;
use rollbook::live::{
    Bench, Case, CaseResult, Completer, Difference, LiveOptions, LiveReport, Verdict, cases, run_suite,
};
use rollbook_core::model::RoleId;
use rollbook_sandbox::moodle::{Collation, Release, STUDENT_ROLE, Token};
use rollbook_sandbox::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, Sandbox, World};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const WEAK_TOKEN: &str = "00000000000000000000000000000bad";
/// The service account itself, whom the suite may not touch.
const WEAK_ID: i64 = 4;

fn world() -> World {
    let mut world = World::empty();
    let id = world.moodle.add_user("", "weak@learning.example", "Weak", "Account");
    assert_eq!(id, WEAK_ID);
    let mut weak = Token::least(id, &[]);
    weak.capabilities.retain(|capability| capability == "webservice/rest:use");
    world.moodle.tokens.insert(WEAK_TOKEN.to_owned(), weak);
    world.moodle.site.race_window_ms = 4;
    world
}

/// Does in the sandbox what `rollbook-complete.php` does in a Moodle.
fn completer(sandbox: &Arc<Sandbox>) -> Completer {
    let sandbox = sandbox.clone();
    Completer::new(move |course, user| {
        let mut world = sandbox.world();
        let now = world.now();
        world.moodle.courses.edit(course.0, |course| {
            course.opt_in = Some(true);
            course.enablecompletion = true;
            course.has_criteria = true;
        });
        if let Some(user) = user {
            world.moodle.complete(user.0, course.0, now);
        }
        Ok(())
    })
}

fn bench(sandbox: &Arc<Sandbox>, folder: &tempfile::TempDir) -> Bench {
    let options = LiveOptions {
        url: sandbox.moodle_url(),
        token: MOODLE_TOKEN.into(),
        fixture_token: Some(MOODLE_ADMIN_TOKEN.into()),
        weak_token: Some(WEAK_TOKEN.into()),
        database: None,
        role: RoleId(STUDENT_ROLE),
        sentinel: None,
        completer: Some(completer(sandbox)),
        folder: folder.path().to_owned(),
    };
    Bench::new(options, Clock::system()).unwrap()
}

async fn ask(world: World, cases: &[Case]) -> (LiveReport, Arc<Sandbox>) {
    let sandbox = Arc::new(Sandbox::start(world).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let report = run_suite(&bench(&sandbox, &folder), cases, &CancellationToken::new(), |_| {}).await;
    (report, sandbox)
}

/// Nothing but the accounts and the front page that were there is left.
fn is_clean(sandbox: &Sandbox) -> bool {
    let world = sandbox.world();
    let users = (1..2_000).filter(|id| world.moodle.users.get(*id).is_some_and(|user| !user.deleted)).count();
    (users, world.moodle.courses.len(), world.moodle.enrolments.len()) == (4, 1, 0)
}

async fn every_case_holds(world: World) {
    let (report, sandbox) = ask(world, &cases()).await;
    let failed: Vec<_> = report.results.iter().filter(|result| matches!(result.verdict, Verdict::Failed(_))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let not_run: Vec<&CaseResult> =
        report.results.iter().filter(|result| matches!(result.verdict, Verdict::NotRun(_))).collect();
    assert!(not_run.iter().all(|result| result.verdict == Verdict::NotRun("no database".to_owned())), "{not_run:#?}");
    assert!(is_clean(&sandbox), "something was left behind");
}

#[tokio::test]
async fn sandbox_of_moodle_4_4_is_what_rollbook_believes() {
    every_case_holds(world()).await;
}

#[tokio::test]
async fn sandbox_of_moodle_4_5_is_what_rollbook_believes() {
    let mut world = world();
    world.moodle.site.release = Release::V4_5;
    every_case_holds(world).await;
}

#[tokio::test]
async fn sandbox_on_postgresql_is_what_rollbook_believes() {
    let mut world = world();
    world.moodle.site.collation = Collation::Exact;
    every_case_holds(world).await;
}

#[tokio::test]
async fn a_difference_is_found_and_cleaned_up_after() {
    let mut world = world();
    world.moodle.revoke(MOODLE_TOKEN, "moodle/site:viewuseridentity");
    let list: Vec<Case> =
        cases().into_iter().filter(|case| case.name.starts_with("an_account_is_found_by_every_field")).collect();
    let (report, sandbox) = ask(world, &list).await;
    assert!(matches!(report.results[0].verdict, Verdict::Failed(_)), "{report:#?}");
    assert_eq!(report.counts(), (0, 1, 0));
    assert!(report.as_markdown().contains("**failed**"));
    assert!(is_clean(&sandbox), "something was left behind");
}

#[tokio::test]
async fn without_a_fixture_token_nothing_is_made_and_it_says_so() {
    let sandbox = Arc::new(Sandbox::start(world()).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let whole = bench(&sandbox, &folder);
    let options = LiveOptions {
        url: sandbox.moodle_url(),
        token: MOODLE_TOKEN.into(),
        fixture_token: None,
        weak_token: None,
        database: None,
        role: RoleId(STUDENT_ROLE),
        sentinel: None,
        completer: None,
        folder: folder.path().to_owned(),
    };
    drop(whole);
    let bench = Bench::new(options, Clock::system()).unwrap();
    let report = run_suite(&bench, &cases(), &CancellationToken::new(), |_| {}).await;
    let (passed, failed, not_run) = report.counts();
    assert!(passed > 3 && failed == 0 && not_run > 30, "{report:#?}");
    assert!(is_clean(&sandbox));
    assert_eq!(sandbox.calls().of("core_user_create_users"), 0);
}

#[tokio::test]
async fn a_difference_says_what_was_expected_and_seen() {
    let difference =
        Difference::Differs { what: "the course".to_owned(), expected: "one".to_owned(), seen: "none".to_owned() };
    assert_eq!(difference.to_string(), "the course: expected one, seen none");
}
