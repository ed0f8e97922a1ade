//! A journal that is locked or full, and a clock that jumps: at the end every completion is there, once, and the journal knows.

use crate::world::{Learner, Stage, minutes};
use jiff::SignedDuration;
use rollbook_journal::{Journal, JournalError, OpenOptions};
use rollbook_sync::flows::completions::{
    CompletionsError, CompletionsReport, CompletionsRequest, Purpose, Reach, run_completions,
};
use sqlx::{Connection, Row, SqliteConnection};
use tokio_util::sync::CancellationToken;

const PEOPLE: i64 = 12;

async fn begin() -> (Stage, Vec<Learner>) {
    let mut stage = Stage::new().await;
    stage.flow.concurrency = 1;
    let learners = stage.enrol(1..PEOPLE + 1).await;
    for (minute, learner) in (10..).zip(&learners) {
        stage.complete(learner, minute);
    }
    (stage, learners)
}

impl Stage {
    async fn try_run(&self) -> Result<CompletionsReport, CompletionsError> {
        let request = CompletionsRequest { purpose: Purpose::Apply, reach: Reach::Usual, author: "test".into() };
        run_completions(&self.flow, &self.journal, &self.clock, &request, &CancellationToken::new()).await
    }

    async fn reopen(&mut self, options: &OpenOptions) {
        self.journal.close().await;
        self.journal = Journal::open(&self.journal_path().display().to_string(), options).await.unwrap();
    }

    async fn assert_once(&self, learners: &[Learner], what: &str) {
        for _ in 0..40 {
            if self.run().await.delivered.waiting == 0 {
                break;
            }
            self.pass(minutes(60));
        }
        let mut there = self.enrolments();
        there.sort_unstable();
        let wanted: Vec<i64> = learners.iter().map(|learner| learner.enrolment).collect();
        assert_eq!(there, wanted, "{what}");
        let rows = self.rows().await;
        assert!(rows.len() == wanted.len() && rows.iter().all(|row| row.standing == "sent"), "{what}: {rows:?}");
        assert_eq!(self.asked().await, [""; 0], "{what}");
    }
}

#[tokio::test]
async fn a_journal_that_is_locked_for_a_while_is_waited_for_and_nothing_is_sent_meanwhile() {
    let (stage, learners) = begin().await;
    let mut other = SqliteConnection::connect(&stage.journal_path().display().to_string()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let release = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stage.sandbox.calls().total(), 0);
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    };
    let (run, ()) = tokio::join!(stage.try_run(), release);
    assert_eq!(run.unwrap().delivered.accepted, PEOPLE as u64);
    stage.assert_once(&learners, "locked for a while").await;
}

/// The file stops growing at ever later moments: before a report exists, while it is sent, once it was.
#[tokio::test]
async fn a_full_disk_loses_and_doubles_nothing() {
    let mut failures = 0;
    for more in [0, 8, 16, 24, 32, 40, 48, 56, 64, 80] {
        let (mut stage, learners) = begin().await;
        let mut file = SqliteConnection::connect(&stage.journal_path().display().to_string()).await.unwrap();
        let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let begun: i64 = sqlx::query(pages).fetch_one(&mut file).await.unwrap().get(0);
        file.close().await.unwrap();
        let bytes_max = Some(u64::try_from(begun).unwrap() + more * 1024);
        stage.reopen(&OpenOptions { bytes_max, ..OpenOptions::default() }).await;
        if let Err(error) = stage.try_run().await {
            failures += 1;
            assert!(matches!(error, CompletionsError::Journal(JournalError::Full(_))), "{more}: {error:?}");
        }
        stage.reopen(&OpenOptions::default()).await;
        stage.pass(minutes(10));
        stage.assert_once(&learners, &format!("{more} KiB more")).await;
    }
    assert!(failures > 3, "the disk was full {failures} times only");
}

#[tokio::test]
async fn a_clock_that_jumps_loses_and_doubles_nothing() {
    for jump in [-90_i64, 600, 60 * 24 * 400] {
        let (stage, learners) = begin().await;
        let now = stage.clock.now();
        stage.hand.set(now + SignedDuration::from_mins(jump));
        let _whatever = stage.try_run().await;
        stage.hand.set(now);
        stage.pass(minutes(30));
        stage.assert_once(&learners, &format!("a jump of {jump} minutes")).await;
    }
}
