//! Random faults everywhere, the same ones for the same seed.

use super::{ENROL, twin};
use crate::stage::{Stage, school};
use rollbook_sandbox::random::Random;
use rollbook_sandbox::{At, Fault, Kind, Target};

/// Each seed is another history; a failure names its seed.
const SEEDS: u64 = 10;

/// Arms a few faults, each at about one call in five of its target.
fn arm(stage: &Stage, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut draw = |most: usize| usize::try_from(random.draw() % most as u64).unwrap();
    let mut armed = Vec::new();
    for number in 0..3 {
        let target = [Target::Moodle(None), Target::Feed, Target::Smtp][draw(3)];
        // Half a batch is lost only where there is one.
        let target = if draw(8) == 0 { Target::Moodle(Some(ENROL)) } else { target };
        let kind = match target {
            Target::Moodle(Some(_)) => Kind::HalfBatch,
            Target::Smtp => [Kind::ResetAfterEffect, Kind::HttpBeforeEffect(451), Kind::RefuseConnection][draw(3)],
            _ => Kind::LOUD[draw(Kind::LOUD.len())],
        };
        let fault = Fault { target, at: At::Seeded { permille: 200, seed: seed * 10 + number }, kind };
        stage.sandbox.faults().arm(fault);
        armed.push(fault);
    }
    format!("seed {seed}: {armed:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_leave_no_trace() {
    for seed in 1..=SEEDS {
        let stage = Stage::new(school()).await;
        let what = arm(&stage, seed);
        for _ in 0..4 {
            let _whatever = stage.round().await;
            stage.hand.advance(std::time::Duration::from_secs(600));
        }
        stage.settle(&what).await;
        stage.picture().await.assert_like(twin().await, &what);
    }
}
