//! Real processes, killed by the kernel while they wait for the ELM or for Moodle.

use crate::world::{COURSE, Learner, Stage, minutes};
use rollbook_clock::Clock;
use rollbook_harness::Config;
use rollbook_sandbox::{Fault, Kind, Target};
use std::process::{Command, Stdio};

const PEOPLE: i64 = 12;

/// Starts `rollbook completions run`, waits until the fault has fired, and kills it.
async fn kill_at(stage: &Stage, target: Target, nth: u64, kind: Kind) {
    stage.sandbox.faults().arm(Fault::nth(target, nth, kind));
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollbook"))
        .args(["--config", "rollbook.toml", "completions", "run", "done"])
        .current_dir(stage.dir.path())
        .env_remove("ROLLBOOK_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while stage.sandbox.faults().fired().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before {kind:?} at call {nth} of {target:?}");
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

fn write_config(stage: &Stage) {
    let config = Config::over(&stage.sandbox).without("site.avc").intake("psa").completions("done");
    let more = format!(
        r#"
        timezone = "America/Toronto"
        journal.url = "sqlite:journal.db"
        site.elm.completion.lookup_url = "{completions}"
        link.done.report_from = "2026-11-01"
        "#,
        completions = stage.sandbox.completion_url(),
    );
    config.with(&more).write(stage.dir.path());
}

async fn stage() -> (Stage, Vec<Learner>) {
    let stage = Stage::new().await;
    write_config(&stage);
    let learners = stage.enrol(1..PEOPLE + 1).await;
    for (minute, learner) in (10..).zip(&learners) {
        stage.complete(learner, minute);
    }
    (stage, learners)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_while_a_report_or_a_look_is_under_way_loses_and_doubles_nothing() {
    let look = Target::Moodle(Some("core_completion_get_course_completion_status"));
    for (target, nth) in [(look, 1), (look, 7), (Target::Completion, 1), (Target::Completion, 5)] {
        for kind in [Kind::TimeoutBeforeEffect, Kind::TimeoutAfterEffect] {
            let (stage, learners) = stage().await;
            kill_at(&stage, target, nth, kind).await;
            stage.sandbox.faults().clear();
            // Once the dead process's lease is over.
            stage.hand.set(Clock::system().now() + minutes(2));
            for _ in 0..4 {
                stage.run().await;
                stage.pass(minutes(10));
            }
            let mut there = stage.enrolments();
            there.sort_unstable();
            let wanted: Vec<i64> = learners.iter().map(|learner| learner.enrolment).collect();
            assert_eq!(there, wanted, "{kind:?} at call {nth} of {target:?}");
            assert_eq!(stage.received()[0]["COURSE_IDENTIFIER"], COURSE);
        }
    }
}
