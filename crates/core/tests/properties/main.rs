//! What holds for every feed and every Moodle. Bounded, and the same cases each time: a failure is found again.

mod inputs;
mod plans;
mod records;
mod runs;
#[path = "../world/mod.rs"]
mod world;

use proptest::test_runner::{Config, RngSeed};

/// So many cases of each property, from a fixed seed.
fn config(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(2_026), failure_persistence: None, ..Config::default() }
}
