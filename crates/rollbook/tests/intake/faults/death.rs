//! A process that dies: dropped at every point where it waits, which is all that `kill -9` leaves behind.

use super::{CREATE, ENROL, twin};
use crate::stage::{Stage, school};
use rollbook_sandbox::{Fault, Kind, Target, cut};

/// A run in this school is polled about so often; a later death finds nothing left to kill.
const POLLS_STEP: u64 = 3;

async fn recover(stage: &Stage, what: &str) {
    stage.outlive_lease();
    stage.settle(what).await;
    stage.picture().await.assert_like(twin().await, what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_any_two_steps_is_repaired_by_the_next_run() {
    let mut polls = 1;
    loop {
        let stage = Stage::new(school()).await;
        let ended = cut(stage.round(), polls).await;
        recover(&stage, &format!("death after {polls} polls")).await;
        if ended {
            break;
        }
        polls += POLLS_STEP + polls / 12;
    }
    assert!(polls > 60, "a run that is polled {polls} times is no run");
}

/// Dies at the n-th call of a function, before or after the call had its effect.
async fn die_at(target: Target, nth: u64, kind: Kind) -> bool {
    let stage = Stage::new(school()).await;
    stage.sandbox.faults().arm(Fault::nth(target, nth, kind));
    let died = tokio::select! {
        _ = stage.round() => false,
        () = async { while stage.sandbox.faults().fired().is_empty() { tokio::task::yield_now().await; } } => true,
    };
    recover(&stage, &format!("death at call {nth} of {target:?}, {kind:?}")).await;
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_write_is_repaired_by_the_next_run() {
    for kind in [Kind::TimeoutBeforeEffect, Kind::TimeoutAfterEffect] {
        for target in [Target::Moodle(Some(CREATE)), Target::Moodle(Some(ENROL)), Target::Smtp] {
            let mut nth = 1;
            while nth < 12 && die_at(target, nth, kind).await {
                nth += 1;
            }
            assert!(nth > 1, "{target:?} was never called");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_death_while_repairing_the_first_is_repaired_too() {
    for polls in [20, 45, 70, 95, 120] {
        let stage = Stage::new(school()).await;
        for death in 0..3 {
            cut(stage.round(), polls + 17 * death).await;
            stage.outlive_lease();
        }
        recover(&stage, &format!("three deaths from {polls} polls on")).await;
    }
}
