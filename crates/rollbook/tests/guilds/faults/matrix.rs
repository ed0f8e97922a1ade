//! One cell at a time: this write, this call of it or all, this fault; run, run again, and compare with the twin.

use super::stage::{begin, twin};
use rollbook_core::policy::ArchiveRule;
use rollbook_journal::OpenOptions;
use rollbook_sandbox::{At, Fault, Kind, Server, Target};
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};
use std::time::Duration;

/// So long is an answer waited for that does not come.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// Every write of the flow, but the deletion of cohorts.
const WRITES: [&str; 7] = [
    "core_user_create_users",
    "core_cohort_create_cohorts",
    "core_cohort_update_cohorts",
    "core_cohort_add_cohort_members",
    "core_cohort_delete_cohort_members",
    "core_role_assign_roles",
    "core_role_unassign_roles",
];
/// Those of them that can be seen to have been done in part only: web services show nobody's roles.
const SEEN: [&str; 5] = [WRITES[0], WRITES[1], WRITES[2], WRITES[3], WRITES[4]];
const DELETE: &str = "core_cohort_delete_cohorts";

/// Plays one cell; gives how often the fault fired.
async fn play(archive: ArchiveRule, function: &'static str, at: At, kind: Kind) -> usize {
    let what = format!("{function} {at:?} {kind:?}");
    let mut site = begin(archive, &OpenOptions::default()).await;
    site.sandbox.faults().arm(Fault { target: Target::Moodle(Some(function)), at, kind });
    if Kind::SILENT.contains(&kind) {
        site.patience = PATIENCE;
    }
    // A run that fails under a fault is as good as one that goes on: what counts is how it ends.
    let _first = site.run(GuildsQuery::All, Purpose::Apply).await;
    let fired = site.sandbox.faults().fired().len();
    site.sandbox.faults().clear();
    site.patience = Duration::from_secs(20);
    site.comes_right(&what).await;
    site.assert_like_twin(&what).await;
    fired
}

/// How often a run without any fault calls a function.
async fn calls_of(archive: ArchiveRule, function: &str) -> u64 {
    let mut site = begin(archive, &OpenOptions::default()).await;
    site.sync().await;
    site.sandbox.calls().of(function) as u64
}

/// Each call of a function in turn, then all of them.
async fn play_all(archive: ArchiveRule, function: &'static str, kinds: &[Kind]) {
    let calls = calls_of(archive, function).await;
    assert!((1..9).contains(&calls), "{function} is called {calls} times");
    for kind in kinds {
        for at in (1..=calls).map(At::Nth).chain([At::Every]) {
            assert!(play(archive, function, at, *kind).await > 0, "{function} {at:?} {kind:?} never fired");
        }
    }
}

/// A test for each write and each half of the faults, so that they run beside each other.
macro_rules! matrix {
    ($($name:ident: $function:expr, $archive:expr;)*) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn that_fails_ends_as_if_nothing_had_failed() {
                play_all($archive, $function, &Kind::LOUD).await;
            }

            #[tokio::test]
            async fn that_is_never_answered_ends_as_if_it_had_been() {
                play_all($archive, $function, &Kind::SILENT).await;
            }
        })*
    };
}

matrix! {
    account: WRITES[0], ArchiveRule::Hide;
    cohort_creation: WRITES[1], ArchiveRule::Hide;
    cohort_update_or_archiving: WRITES[2], ArchiveRule::Hide;
    addition: WRITES[3], ArchiveRule::Hide;
    removal: WRITES[4], ArchiveRule::Hide;
    assignment: WRITES[5], ArchiveRule::Hide;
    unassignment: WRITES[6], ArchiveRule::Hide;
    cohort_deletion: DELETE, ArchiveRule::Delete;
}

/// The writes that stand in this table are all there are, and the stage takes each.
#[tokio::test]
async fn matrix_holds_every_write_of_the_flow() {
    for archive in [ArchiveRule::Hide, ArchiveRule::Delete] {
        let mut site = begin(archive, &OpenOptions::default()).await;
        site.sync().await;
        let reads = |name: &str| ["_get_", "webservice", "search"].iter().any(|word| name.contains(word));
        let called = site.sandbox.calls().per_function();
        let writes: Vec<&str> = called.keys().map(String::as_str).filter(|name| name.starts_with("core_")).collect();
        let writes: Vec<&str> = writes.into_iter().filter(|name| !reads(name)).collect();
        let mut wanted = WRITES.to_vec();
        if archive == ArchiveRule::Delete {
            wanted.push(DELETE);
        }
        wanted.sort_unstable();
        assert_eq!(writes, wanted);
        assert_eq!(site.picture().await, *twin(archive).await);
    }
}

/// Half of a batch is lost on the way, and Moodle answers as if all were done: another look shows it.
#[tokio::test]
async fn half_a_batch_is_made_whole_by_the_next_run() {
    for function in SEEN {
        let what = format!("half of {function}");
        let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
        site.sandbox.faults().arm(Fault::nth(Target::Moodle(Some(function)), 1, Kind::HalfBatch));
        let _first = site.run(GuildsQuery::All, Purpose::Apply).await;
        assert_eq!(site.sandbox.faults().fired().len(), 1, "{what}");
        site.sandbox.faults().clear();
        site.comes_right(&what).await;
        site.assert_like_twin(&what).await;
    }
}

#[tokio::test]
async fn any_call_that_fails_changes_nothing_in_the_end() {
    for kind in Kind::LOUD {
        for at in [At::Nth(2), At::Nth(4), At::Nth(7), At::Seeded { permille: 300, seed: 7 }, At::Every] {
            let what = format!("{at:?} {kind:?}");
            let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
            site.sandbox.faults().arm(Fault { target: Target::Moodle(None), at, kind });
            let _first = site.run(GuildsQuery::All, Purpose::Apply).await;
            assert!(!site.sandbox.faults().fired().is_empty(), "{what} never fired");
            site.sandbox.faults().clear();
            site.comes_right(&what).await;
            site.assert_like_twin(&what).await;
        }
    }
}

/// Moodle goes away while it works on a write: what was sent is not known, what was not is not tried.
#[tokio::test]
async fn moodle_that_goes_down_in_the_middle_of_a_write_is_settled_later() {
    for function in WRITES {
        let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
        let kind = Kind::TimeoutAfterEffect;
        let sandbox = std::sync::Arc::clone(&site.sandbox);
        sandbox.faults().arm(Fault::nth(Target::Moodle(Some(function)), 1, kind));
        let outage = async {
            sandbox.faults().until(kind).await;
            sandbox.take_down(Server::Moodle).await;
        };
        let (_whatever, ()) = tokio::join!(site.run(GuildsQuery::All, Purpose::Apply), outage);
        sandbox.bring_up(Server::Moodle).await.unwrap();
        sandbox.faults().clear();
        site.comes_right(function).await;
        site.assert_like_twin(function).await;
    }
}
