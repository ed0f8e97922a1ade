//! A journal that is locked or full, and a clock that jumps.

use super::stage::begin;
use crate::world::Site;
use jiff::SignedDuration;
use rollbook_core::policy::ArchiveRule;
use rollbook_core::report::with_causes;
use rollbook_core::run::RunState;
use rollbook_journal::{JournalError, OpenOptions};
use rollbook_sync::flows::guilds::{GuildsError, GuildsQuery, Purpose};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use std::time::Duration;

async fn connect(site: &Site) -> SqliteConnection {
    SqliteConnection::connect(&site.journal_file()).await.unwrap()
}

async fn number(site: &Site, sql: &str) -> u64 {
    let mut connection = connect(site).await;
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    u64::try_from(row.get::<i64, _>(0)).unwrap()
}

/// Gives up the pages that migrations left free: a run would fill them before the file grows.
async fn pack(site: &Site) {
    let mut connection = connect(site).await;
    sqlx::query("VACUUM").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Another process holds the file while the run is in its midst, and lets go before patience ends.
#[tokio::test]
async fn a_journal_that_is_locked_for_a_while_is_waited_for() {
    let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
    let mut other = connect(&site).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let sandbox = std::sync::Arc::clone(&site.sandbox);
    let release = async {
        // The lease cannot be taken: nothing is asked of anybody.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sandbox.calls().total(), 0, "nothing is read before the lease is held");
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    };
    let (run, ()) = tokio::join!(site.run(GuildsQuery::All, Purpose::Apply), release);
    assert_eq!(run.unwrap().state, RunState::Done);
    site.assert_like_twin("locked for a while").await;
}

/// Nothing further is sent once the journal cannot say what was; what was sent is known afterwards.
#[tokio::test]
async fn a_full_disk_keeps_what_was_recorded_true_and_the_next_run_goes_on() {
    let fresh = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
    pack(&fresh).await;
    let begun = number(&fresh, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").await;
    let mut failures = 0;
    for more in [0, 4, 8, 12, 16, 20, 24, 28, 36, 44] {
        let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
        pack(&site).await;
        let bytes_max = Some(begun + more * 1024);
        site.reopen(&OpenOptions { bytes_max, ..OpenOptions::default() }).await;
        let first = site.run(GuildsQuery::All, Purpose::Apply).await;
        if let Err(error) = &first {
            failures += 1;
            assert!(with_causes(error).contains("no space is left for the journal"), "{more}: {error:?}");
            assert!(matches!(error, GuildsError::Journal(JournalError::Full(_))), "{more}: {error:?}");
        }
        site.reopen(&OpenOptions::default()).await;
        site.hand.advance(Duration::from_secs(120));
        let what = format!("{more} KiB more");
        site.comes_right(&what).await;
        site.assert_like_twin(&what).await;
    }
    assert!(failures > 1, "the disk was full {failures} times only");
}

/// A clock that jumps must neither lose members nor do anything twice.
#[tokio::test]
async fn a_clock_that_jumps_loses_nothing() {
    for jump in [-90_i64, 600, 60 * 24 * 400] {
        let mut site = begin(ArchiveRule::Hide, &OpenOptions::default()).await;
        let now = site.clock.now();
        site.hand.set(now + SignedDuration::from_mins(jump));
        let _whatever = site.run(GuildsQuery::All, Purpose::Apply).await;
        site.hand.set(now + SignedDuration::from_mins(30));
        let what = format!("a jump of {jump} minutes");
        site.comes_right(&what).await;
        site.assert_like_twin(&what).await;
    }
}
