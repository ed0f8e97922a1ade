//! A process that dies: dropped at every point where it waits, which is all that `kill -9` leaves behind.

use super::stage::begin;
use crate::world::Site;
use rollbook_core::policy::ArchiveRule;
use rollbook_journal::OpenOptions;
use rollbook_sandbox::{Fault, Kind, Target, cut};
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};
use std::sync::Arc;
use std::time::Duration;

async fn recover(site: &mut Site, what: &str) {
    // Until the dead process's lease is over, and what it had sent is done.
    site.hand.advance(Duration::from_secs(120));
    site.sandbox.faults().clear();
    site.comes_right(what).await;
    site.assert_like_twin(what).await;
}

#[tokio::test]
async fn a_death_between_any_two_steps_is_repaired_by_the_next_run() {
    let mut polls = 1;
    loop {
        let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
        let ended = cut(site.run(GuildsQuery::All, Purpose::Apply), polls).await;
        recover(&mut site, &format!("death after {polls} polls")).await;
        if ended {
            break;
        }
        polls += 4 + polls / 12;
    }
    assert!(polls > 60, "a run that is polled {polls} times is no run");
}

#[tokio::test]
async fn a_second_death_while_repairing_the_first_is_repaired_too() {
    for polls in [15, 30, 45, 60, 75] {
        let mut site = begin(ArchiveRule::Delete, &OpenOptions::default()).await;
        for death in 0..3 {
            cut(site.run(GuildsQuery::All, Purpose::Apply), polls + 9 * death).await;
            site.hand.advance(Duration::from_secs(120));
        }
        recover(&mut site, &format!("three deaths from {polls} polls on")).await;
    }
}

/// Dies while a call is under way: before Moodle did anything, and after it had.
#[tokio::test]
async fn a_death_at_any_call_is_repaired_by_the_next_run() {
    for (first, kind) in [(1, Kind::TimeoutBeforeEffect), (2, Kind::TimeoutAfterEffect)] {
        let mut nth = first;
        loop {
            let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
            let sandbox = Arc::clone(&site.sandbox);
            sandbox.faults().arm(Fault::nth(Target::Moodle(None), nth, kind));
            let died = tokio::select! {
                _ = site.run(GuildsQuery::All, Purpose::Apply) => false,
                () = sandbox.faults().until(kind) => true,
            };
            recover(&mut site, &format!("death at call {nth}, {kind:?}")).await;
            if !died {
                break;
            }
            nth += 2;
        }
        assert!(nth > 12, "only {nth} calls");
    }
}
