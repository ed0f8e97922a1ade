//! One holder at a time, and nothing from a process that lost the lease.

use crate::world::{TTL, World, at, link, new_run, read, record};
use rollbook_core::run::{Counts, RunState};
use rollbook_journal::JournalError;

crate::rules! {
    two_holders_never_both_hold,
    holders_that_come_at_once_are_told_apart,
    lease_that_is_held_says_by_whom_and_since_when,
    expired_lease_is_taken_over_and_the_run_left_behind_is_abandoned,
    lost_lease_writes_nothing,
    released_lease_writes_nothing,
    renewed_lease_holds_longer,
    run_ends_once,
}

async fn two_holders_never_both_hold(world: World) {
    let journal = world.open().await;
    let first = journal.leases().acquire(&link(), "one", TTL, at(0)).await.unwrap();
    assert!(matches!(journal.leases().acquire(&link(), "two", TTL, at(4)).await, Err(JournalError::LeaseHeld { .. })));
    assert!(matches!(journal.leases().acquire(&link(), "one", TTL, at(4)).await, Err(JournalError::LeaseHeld { .. })));
    journal.leases().release(first).await.unwrap();
    assert_eq!(journal.leases().acquire(&link(), "two", TTL, at(4)).await.unwrap().fence(), 2);
}

async fn holders_that_come_at_once_are_told_apart(world: World) {
    let journal = world.open().await;
    let other = world.open().await;
    for round in 0..10 {
        let now = at(round * 10);
        let mut tries = Vec::new();
        for n in 0..8 {
            let journal = if n % 2 == 0 { journal.clone() } else { other.clone() };
            tries.push(tokio::spawn(async move {
                journal.leases().acquire(&link(), &format!("holder {n}"), TTL, now).await
            }));
        }
        let mut held = 0;
        for taken in tries {
            match taken.await.unwrap() {
                Ok(lease) => {
                    held += 1;
                    assert_eq!(lease.fence(), round + 1);
                }
                Err(error) => assert!(matches!(error, JournalError::LeaseHeld { .. }), "{error:?}"),
            }
        }
        assert_eq!(held, 1);
    }
}

async fn lease_that_is_held_says_by_whom_and_since_when(world: World) {
    let journal = world.open().await;
    journal.leases().acquire(&link(), "host-1 process 77", TTL, at(0)).await.unwrap();
    let error = journal.leases().acquire(&link(), "two", TTL, at(1)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "link elm-ss is being run by host-1 process 77 since 2026-11-23T09:00:00Z; \
         its lease ends at 2026-11-23T09:05:00Z unless it is renewed"
    );
}

async fn expired_lease_is_taken_over_and_the_run_left_behind_is_abandoned(world: World) {
    let (journal, first, run) = world.started().await;
    let second = journal.leases().acquire(&link(), "two", TTL, at(5)).await.unwrap();
    assert!(second.fence() > first.fence());
    assert_eq!(second.abandoned(), std::slice::from_ref(&run));
    assert_eq!(world.number("SELECT COUNT(*) FROM run WHERE state = 'abandoned' AND ended_ms IS NOT NULL").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'ended'").await, 1);
    let third = journal.leases().acquire(&link(), "three", TTL, at(11)).await.unwrap();
    assert!(third.abandoned().is_empty());
}

async fn lost_lease_writes_nothing(world: World) {
    let (journal, lost, run) = world.started().await;
    journal.leases().acquire(&link(), "two", TTL, at(6)).await.unwrap();
    let before = world.events().await;
    let records = [record(1)];
    let counts = Counts::default();
    let results = [
        journal.leases().renew(&lost, TTL, at(7)).await.err(),
        journal.runs().start(&lost, &new_run(), at(7)).await.err(),
        journal.records().ingest(&lost, &run, &read(&records), at(7)).await.err(),
        journal.records().decide(&lost, &run, &[], at(7)).await.err(),
        journal.runs().append_events(&lost, &run, &[], at(7)).await.err(),
        journal.runs().finish(&lost, &run, RunState::Done, &counts, "", at(7)).await.err(),
    ];
    for error in results {
        assert!(matches!(error, Some(JournalError::LeaseLost { .. })), "{error:?}");
    }
    journal.leases().release(lost).await.unwrap();
    assert_eq!(world.events().await, before);
    assert_eq!(world.number("SELECT COUNT(*) FROM record").await, 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM lease WHERE holder = 'two'").await, 1);
}

async fn released_lease_writes_nothing(world: World) {
    let (journal, lease, run) = world.started().await;
    let kept = lease.clone();
    journal.leases().release(lease).await.unwrap();
    let error = journal.records().ingest(&kept, &run, &read(&[record(1)]), at(1)).await.unwrap_err();
    assert!(matches!(error, JournalError::LeaseLost { .. }));
}

async fn renewed_lease_holds_longer(world: World) {
    let (journal, lease, _) = world.started().await;
    journal.leases().renew(&lease, TTL, at(4)).await.unwrap();
    assert!(journal.leases().acquire(&link(), "two", TTL, at(8)).await.is_err());
    assert!(journal.leases().acquire(&link(), "two", TTL, at(9)).await.is_ok());
}

async fn run_ends_once(world: World) {
    let (journal, lease, run) = world.started().await;
    let counts = Counts { records: 3, enrolled: 2, errors: 1, ..Counts::default() };
    journal.runs().finish(&lease, &run, RunState::Partly, &counts, "one failed", at(1)).await.unwrap();
    let again = journal.runs().finish(&lease, &run, RunState::Done, &counts, "", at(2)).await.unwrap_err();
    assert!(matches!(again, JournalError::Conflict { .. }));
    assert_eq!(world.number("SELECT enrolled FROM run WHERE state = 'partly'").await, 2);
}
