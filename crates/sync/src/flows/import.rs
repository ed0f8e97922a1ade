//! History of the original plugin → the journal, so that nothing is processed twice after moving over.
//!
//! Lines that went well are settled as `Imported`; a record that failed there is kept as a line, and is tried when the feed
//! gives it again. No mail is sent and nothing is asked of Moodle.

use crate::engine::{LeaseGuard, Timing};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rollbook_clock::Clock;
use rollbook_core::model::{LinkName, RunId, counted};
use rollbook_core::run::{Counts, RunKind, RunState};
use rollbook_journal::{HistoryRow, Journal, JournalError, Lease, NewRun};
use rollbook_moodle::psaelmsync::{BadLine, HistoryError, OldLine, read_csv, read_table};
use rollbook_remote::database::Database;
use std::io::Read;
use tokio_util::sync::CancellationToken;

/// So many lines are stored at once.
const LINES_AT_ONCE: usize = 5_000;
/// So many bad lines are told one by one.
const BAD_TOLD_MAX: usize = 20;
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// What taking a history over came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Lines that are new in the journal.
    pub new: u64,
    /// Lines that were there already.
    pub known: u64,
    /// Lines that could not be used.
    pub bad: u64,
    /// The first of these.
    pub bad_lines: Vec<BadLine>,
}

/// Why a history could not be taken over. What was stored by then stays; doing it again adds the rest.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The history could not be read.
    #[error("the history could not be read")]
    History(#[from] HistoryError),
    /// The journal could not be written.
    #[error("the journal could not be used")]
    Journal(#[from] JournalError),
}

/// Where a history comes from.
pub enum History<'a> {
    /// A CSV file.
    Csv(Box<dyn Read + Send + 'a>),
    /// The plugin's table in Moodle's database.
    Table(&'a Database),
}

/// Takes a history over.
///
/// # Errors
/// [`ImportError`]
pub async fn import_history(
    journal: &Journal,
    link: &LinkName,
    zone: &TimeZone,
    history: History<'_>,
    author: &str,
    clock: &Clock,
    stop: &CancellationToken,
) -> Result<ImportReport, ImportError> {
    let guard = LeaseGuard::take(journal, link, Timing { lease: LEASE, limit: None }, clock, stop).await?;
    let lease = guard.lease();
    let url = match history {
        History::Csv(_) => "file",
        History::Table(_) => "local_psaelmsync_logs",
    };
    let new =
        NewRun { flow: "intake".to_owned(), kind: RunKind::Import, url: url.to_owned(), author: author.to_owned() };
    let run = journal.runs().start(lease, &new, clock.now()).await?;
    let mut storing =
        Storing { journal, lease, run: &run, clock, report: ImportReport::default(), waiting: Vec::new() };
    let outcome = match history {
        History::Csv(file) => storing.take_csv(file, zone).await,
        History::Table(database) => storing.take_table(database, zone, guard.stop()).await,
    };
    let report = storing.report;
    let counts = Counts {
        records: report.new + report.known + report.bad,
        skipped: report.new + report.known,
        errors: report.bad,
        ..Counts::default()
    };
    let (state, reason) = match &outcome {
        Ok(()) if report.bad > 0 => (RunState::Partly, format!("{} could not be used", counted(report.bad, "line"))),
        Ok(()) => (RunState::Done, String::new()),
        Err(error) => (RunState::Failed, error.to_string()),
    };
    journal.runs().finish(lease, &run, state, &counts, &reason, clock.now()).await?;
    guard.release().await;
    outcome.map(|()| report)
}

struct Storing<'a> {
    journal: &'a Journal,
    lease: &'a Lease,
    run: &'a RunId,
    clock: &'a Clock,
    report: ImportReport,
    waiting: Vec<HistoryRow>,
}

impl Storing<'_> {
    async fn take_csv(&mut self, file: Box<dyn Read + Send + '_>, zone: &TimeZone) -> Result<(), ImportError> {
        let mut lines = Vec::new();
        read_csv(file, zone, |line| lines.push(line))?;
        for line in lines {
            self.take(line).await?;
        }
        self.store().await
    }

    async fn take_table(
        &mut self,
        database: &Database,
        zone: &TimeZone,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let mut after = 0;
        while !stop.is_cancelled() {
            let (lines, last) = read_table(database, after, zone).await?;
            for line in lines {
                self.take(line).await?;
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        self.store().await
    }

    async fn take(&mut self, line: Result<OldLine, BadLine>) -> Result<(), ImportError> {
        match line {
            Ok(line) => self.waiting.push(row(line)),
            Err(bad) => {
                self.report.bad += 1;
                if self.report.bad_lines.len() < BAD_TOLD_MAX {
                    self.report.bad_lines.push(bad);
                }
            }
        }
        if self.waiting.len() >= LINES_AT_ONCE { self.store().await } else { Ok(()) }
    }

    async fn store(&mut self) -> Result<(), ImportError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let imported =
            self.journal.records().import_history(self.lease, self.run, &self.waiting, self.clock.now()).await?;
        self.report.new += imported.new;
        self.report.known += imported.known;
        self.waiting.clear();
        Ok(())
    }
}

fn row(line: OldLine) -> HistoryRow {
    let OldLine { record, action, status, at, course_id, course_name, user_id } = line;
    // The log does not tell when the learner acted, so it cannot make a later record stale.
    HistoryRow { record, action, status, at, course_id, course_name, user_id, applied: None }
}
