//! The process is asked to stop, or is killed.

use super::{rollbook, school_now, text};
use crate::stage::Stage;
use rollbook_clock::Clock;
use rollbook_sandbox::{At, Fault, Kind, Target};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const SLOW: Kind = Kind::SlowMs(400);

/// Starts a run, and comes back when the fault at `target` has fired.
async fn start(stage: &Stage, target: Target, nth: u64) -> Child {
    stage.journal.close().await;
    stage.sandbox.faults().arm(Fault { target, at: At::Nth(nth), kind: SLOW });
    let child = Command::new(env!("CARGO_BIN_EXE_rollbook"))
        .args(["intake", "run", "psa"])
        .current_dir(stage.folder.path())
        .env_remove("ROLLBOOK_CONFIG")
        .env_remove("ROLLBOOK_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while stage.sandbox.faults().fired().is_empty() {
        tokio::task::yield_now().await;
    }
    child
}

/// The stage's own journal and clock again, two minutes later.
async fn later(stage: &mut Stage) {
    let address = stage.journal_file().display().to_string();
    stage.journal = rollbook_journal::Journal::open(&address, &rollbook_journal::OpenOptions::default()).await.unwrap();
    stage.hand.set(Clock::system().now());
    stage.hand.advance(Duration::from_secs(120));
}

async fn assert_settles(mut stage: Stage, what: &str) {
    later(&mut stage).await;
    stage.settle(what).await;
    let mut twin = Stage::new(school_now()).await;
    later(&mut twin).await;
    twin.settle("the twin").await;
    stage.picture().await.assert_like(&twin.picture().await, what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_is_repaired_by_the_next_run() {
    for (target, nth) in [
        (Target::Feed, 1),
        (Target::Moodle(Some("core_user_create_users")), 1),
        (Target::Moodle(Some("enrol_manual_enrol_users")), 2),
        (Target::Smtp, 3),
    ] {
        let stage = Stage::new(school_now()).await;
        let mut child = start(&stage, target, nth).await;
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), None, "it was killed");
        assert_settles(stage, &format!("kill -9 at {target:?} {nth}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn right_after_kill_9_the_lease_says_who_held_it() {
    let stage = Stage::new(school_now()).await;
    let mut child = start(&stage, Target::Moodle(Some("enrol_manual_enrol_users")), 1).await;
    let process = format!("process {}", child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    let answer = rollbook(&stage).args(["intake", "run", "psa"]).assert().code(6);
    let err = text(&answer.get_output().stderr);
    let words = err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(words.contains(&process) && words.contains("since"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_soon_with_5_and_the_next_run_finishes() {
    for function in ["core_user_create_users", "enrol_manual_enrol_users"] {
        let stage = Stage::new(school_now()).await;
        let child = start(&stage, Target::Moodle(Some(function)), 1).await;
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        assert_eq!(status.code(), Some(5), "{function}: {}\n{}", text(&stdout), text(&stderr));
        // The lease was given back: the next run need not wait.
        rollbook(&stage).args(["intake", "run", "psa"]).assert().code(5);
        assert_settles(stage, &format!("SIGTERM at {function}")).await;
    }
}
