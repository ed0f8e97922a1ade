//! One run at a time, and a journal that is full.

use super::words;
use crate::stage::{FIRST, Stage, enrol, link, school};
use jiff::SignedDuration;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_sandbox::{Fault, Kind, Target};
use sqlx::{Connection, SqliteConnection};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_of_a_link_at_once_is_refused_and_says_who_runs_it_since_when() {
    let stage = Stage::new(school()).await;
    stage
        .journal
        .leases()
        .acquire(&link(), "process 7 on elsewhere", SignedDuration::from_mins(5), stage.clock.now())
        .await
        .unwrap();
    let error = words(&stage.run().await.unwrap_err());
    assert!(error.contains("process 7 on elsewhere") && error.contains("2026-11-23T17:00:00Z"), "{error}");
    assert_eq!((stage.sandbox.calls().total(), stage.number("SELECT COUNT(*) FROM run").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_runs_at_once_one_works_and_the_other_changes_nothing() {
    let stage = Stage::new(school()).await;
    stage.sandbox.faults().arm(Fault::every(Target::Feed, Kind::SlowMs(300)));
    let (one, other) = tokio::join!(stage.run(), stage.run());
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    stage.deliver().await;
    stage.settle("two at once").await;
    let twin = Stage::new(school()).await;
    twin.round().await.unwrap();
    twin.settle("twin").await;
    stage.picture().await.assert_like(&twin.picture().await, "two at once");
}

/// Another process holds the file when the run begins, and lets go before patience ends.
#[tokio::test]
async fn a_journal_that_another_process_holds_is_waited_for() {
    let stage = Stage::new(school()).await;
    let mut other = SqliteConnection::connect(&stage.journal_file().display().to_string()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let release = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stage.sandbox.calls().total(), 0, "nothing is read before the lease is held");
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    };
    let (run, ()) = tokio::join!(stage.run(), release);
    run.unwrap();
    stage.deliver().await;
    stage.settle("held for a while").await;
    let twin = Stage::new(school()).await;
    twin.round().await.unwrap();
    twin.settle("twin").await;
    stage.picture().await.assert_like(&twin.picture().await, "held for a while");
}

/// The file stops growing at ever later moments of the first run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_keeps_what_was_recorded_true_and_the_next_run_goes_on() {
    let twin = Stage::new(school()).await;
    twin.round().await.unwrap();
    twin.settle("twin").await;
    let twin = twin.picture().await;
    let fresh = Stage::new(school()).await;
    let empty = fresh.number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").await as u64;
    let mut failures = 0;
    for more in [1, 8, 24, 40, 56, 72, 88, 104, 136, 168, 232] {
        let bytes_max = Some(empty + more * 1024);
        let mut stage = Stage::with(school(), "", &OpenOptions { bytes_max, ..OpenOptions::default() }).await;
        let first = stage.run().await;
        failures += usize::from(first.is_err());
        if let Err(error) = &first {
            assert!(words(error).contains("no space is left for the journal"), "{more}: {}", words(error));
        }
        let address = stage.journal_file().display().to_string();
        stage.journal.close().await;
        stage.journal = Journal::open(&address, &OpenOptions::default()).await.unwrap();
        stage.outlive_lease();
        let what = format!("{more} KiB more");
        stage.settle(&what).await;
        stage.picture().await.assert_like(&twin, &what);
    }
    assert!(failures > 3, "the disk was never full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_is_asked_for_ends_the_run_soon_and_the_next_one_finishes() {
    let mut stage = Stage::new(school()).await;
    stage.sandbox.faults().arm(Fault::every(Target::Moodle(Some("core_user_create_users")), Kind::SlowMs(200)));
    let stop = stage.stop.clone();
    let asking = async {
        while stage.sandbox.calls().of("core_user_create_users") == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (report, ()) = tokio::join!(stage.run(), asking);
    let report = report.unwrap();
    assert_eq!(report.state, rollbook_core::run::RunState::Stopped);
    assert!(report.counts.suspended == 0 && report.counts.waiting > 0, "{:?}", report.counts);
    stage.stop = tokio_util::sync::CancellationToken::new();
    stage.settle("a stop").await;
    assert_eq!(stage.codes("N9").await, ["930001: enrolled"]);
}

/// A clock that jumps must neither lose records nor do anything twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_loses_nothing() {
    for jump in [-90_i64, 600, 60 * 24 * 400] {
        let stage = Stage::new(school()).await;
        stage.round().await.unwrap();
        let now = stage.clock.now();
        stage.hand.set(now + SignedDuration::from_mins(jump));
        let _whatever = stage.round().await;
        stage.hand.set(now + SignedDuration::from_mins(30));
        stage.sandbox.world().elm.push(enrol("N40", FIRST, -20));
        stage.settle(&format!("a jump of {jump} minutes")).await;
        assert_eq!(stage.codes("N40").await, ["930001: enrolled"], "{jump}");
        assert_eq!(stage.sandbox.world().mail.to("n1@example.org").len(), 2, "{jump}");
    }
}
