//! The journal: what was read, decided, intended and done, kept so that nothing is lost and nothing is done twice.
//!
//! One [`Journal`] over SQLite and PostgreSQL, and a repository for each thing that it knows: `journal.runs()`,
//! `journal.records()`… (see `repositories`). Its rules:
//! - A run writes only through its [`Lease`]: each such write proves, inside its own transaction, that the lease still holds.
//! - What belongs together is written in one transaction: records with the watermark that covers them, a verdict with its
//!   event, mail and attention. A dropped call leaves nothing half.
//! - Events are only ever added; the database itself refuses anything else.
//! - It never reads a clock: every time is given to it. Times are kept in milliseconds.
//! - Every call can fail as the database can ([`JournalError::Full`], [`JournalError::Unavailable`]…). A method that says nothing of
//!   errors fails in no other way.
//!
//! It must never decide what a record means (that is `rollbook_core`) nor speak to a remote system. Reading order:
//! `lease`, `runs`, `feed`, `plans`, `decide`, then `outbox`, `attention`, `guilds`, then `log`, `story`, `links` and
//! `course_counts` for what people look at, `metrics` for machines that watch, `accounts` for who they are; `requests`, `schedule` and
//! `notices` for the process that serves. `history` takes over what an earlier system knew, `maintenance` removes what is too
//! old; `store` is the machinery below.

mod accounts;
mod applied;
mod attention;
mod completions;
mod course_counts;
mod decide;
mod error;
mod feed;
mod guilds;
mod history;
mod lease;
mod links;
mod log;
mod maintenance;
mod metrics;
mod notices;
mod outbox;
mod plans;
mod repositories;
pub mod requests;
mod runs;
mod schedule;
mod store;
mod story;

pub use accounts::{AccountRow, NewToken, SessionRow, TokenRow};
pub use attention::{AttentionFilter, AttentionItem, Resolution, Resolved};
pub use completions::{
    CompletionKeyset, CompletionQuery, CompletionReportRow, CompletionRow, CompletionTotals, CompletionsRecord,
    CompletionsState, KnownQuery, Marked, NewAttention, OpenReport, PolledCandidate, PushedEvent, Queued, Received,
    ReportMove, Reviewed, WaitingCompletion,
};
pub use course_counts::CourseCounts;
pub use decide::{Decided, Decision};
pub use error::JournalError;
pub use feed::{AwaitedCourse, FeedRead, Ingested, LinkState, WaitingRecord};
pub use guilds::{GuildRow, GuildSync, Ownership};
pub use history::{HistoryRow, Imported};
pub use lease::Lease;
pub use links::LinkOverview;
pub use log::{LogKey, LogOrder, LogPage, LogQuery, LogRow, LogSort, NotALogKey};
pub use maintenance::{Access, Checked, PruneScope, Pruned, Restored, restore};
pub use metrics::JournalMetrics;
pub use notices::{EpisodeRow, NoticeRow};
pub use outbox::{Claimed, OutboxFilter, OutboxItem, OutboxKind, OutboxRow, OutboxTotal, SendOutcome};
pub use plans::{Intent, NewPlan, OpenPlan, PlanRow, PlanState, UnsettledIntent};
pub use repositories::{
    Accounts, Attention, Completions, Guilds, Leases, Links, Maintenance, Nodes, Notices, Outbox, People, Plans,
    Records, Requests, Runs, Schedule, Sessions, Tokens,
};
pub use runs::{NewEvent, NewRun, RunFilter, RunRow, RunStats, StoredEvent};
pub use schedule::{LinkSwitch, NodeRow, ScheduleRow};
pub use story::{AppliedRow, Person, Story};

use jiff::Timestamp;
use std::path::{Path, PathBuf};
use store::Store;

/// How a journal is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// At most so many connections read at once.
    pub readers_max: u32,
    /// A SQLite journal grows to so many bytes and no further; then writes fail with [`JournalError::Full`].
    pub bytes_max: Option<u64>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { readers_max: 6, bytes_max: None }
    }
}

/// The journal. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Store,
    file: Option<PathBuf>,
}

impl Journal {
    /// Opens the journal at `address`, a file's path (perhaps with `sqlite:` before it) or a `postgres://` URL, makes it if
    /// it is missing and brings its schema up to date. An existing file is copied first, beside itself.
    ///
    /// # Errors
    /// [`JournalError::TooNew`] where a newer Rollbook was here, [`JournalError::CannotOpen`], [`JournalError::Damaged`].
    pub async fn open(address: &str, options: &OpenOptions) -> Result<Self, JournalError> {
        let (store, file) = store::open(address, options).await?;
        store::migrate(&store, file.as_deref()).await?;
        store.assume_size().await?;
        Ok(Self { store, file })
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Copies a SQLite journal, whole and consistent, while it is in use. PostgreSQL has `pg_dump`.
    ///
    /// # Errors
    /// [`JournalError::CannotOpen`] where `to` exists, cannot be made, or the journal is no file.
    pub async fn back_up(&self, to: &Path) -> Result<(), JournalError> {
        match &self.store {
            Store::Sqlite { write, .. } => store::backup(write, to).await,
            Store::Pg(_) => {
                Err(JournalError::CannotOpen { what: "a journal in PostgreSQL is copied with pg_dump".to_owned() })
            }
        }
    }

    /// Waits for what is under way and closes every connection.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// The longest text that is kept of an answer, a payload or a reason, in bytes.
const TEXT_BYTES_MAX: usize = 16_384;

/// The first bytes of a text, whole characters only.
fn bounded(text: &str) -> &str {
    if text.len() <= TEXT_BYTES_MAX { text } else { &text[..text.floor_char_boundary(TEXT_BYTES_MAX)] }
}

/// Unix milliseconds, as stored.
fn ms(time: Timestamp) -> i64 {
    time.as_millisecond()
}
