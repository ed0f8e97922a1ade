//! A process that is killed at every step, while the ELM fails at random: at the end every completion is there, once.
//!
//! Next: `history`, which plays it; the thousand seeds of `./dev soak completions` are the same code.

pub mod history;
mod journal;
mod process;

use history::{History, Place, Told};

/// So many people complete the course where deaths come at random.
const PEOPLE: i64 = 200;
/// So many where somebody dies at each step.
const FEW: i64 = 30;
/// Each seed is another history; a failure names its seed.
const SEEDS: u64 = 2;

fn assert_once(told: &Told, what: &str) {
    assert_eq!((told.missing, told.doubled), (0, 0), "{what}: {told:?}");
    assert!(told.unsettled.is_empty(), "{what}: {told:?}");
}

#[tokio::test]
async fn a_death_before_or_after_a_report_arrives_leaves_each_there_once() {
    let told = History::new(0, FEW).await.silence().await;
    assert_once(&told, "silence");
    for place in [Place::Between, Place::Claimed, Place::Arrived] {
        assert!(told.deaths_at(place) >= 3, "{told:?}");
    }
}

#[tokio::test]
async fn a_death_after_each_number_of_steps_leaves_each_completion_there_once() {
    let told = History::new(0, FEW).await.sweep(3).await;
    assert_once(&told, "sweep");
    for place in Place::ALL {
        assert!(told.deaths_at(place) > 0, "nobody died at {place:?}: {told:?}");
    }
}

#[tokio::test]
async fn random_deaths_and_failures_leave_each_completion_there_once() {
    for seed in 1..=SEEDS {
        let told = History::new(seed, PEOPLE).await.play().await;
        assert_once(&told, &format!("seed {seed}"));
        assert!(told.deaths > 4 && told.failures > 20, "seed {seed}: {told:?}");
    }
}
