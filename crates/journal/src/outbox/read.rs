//! The outbox as people read it.

use super::OutboxKind;
use crate::store::{Row, args};
use crate::{JournalError, Outbox};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, LinkName, RunId};
use serde_json::Value;

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    pub id: i64,
    pub kind: OutboxKind,
    /// What makes two of them one.
    pub dedupe: String,
    pub link: LinkName,
    /// The run that made it due.
    pub run: Option<RunId>,
    /// The record that made it due.
    pub record: Option<Fingerprint>,
    /// The course that it is about.
    pub course: Option<ElmCourseId>,
    /// `due`, `sending`, `unknown`, `sent`, `refused` or `cancelled`.
    pub state: String,
    /// All that the sender needs.
    pub payload: Value,
    /// How often it was tried.
    pub attempts: u64,
    /// Not to be sent before this moment.
    pub next: Timestamp,
    /// The answer to the last try.
    pub last_answer: String,
    /// When it was made due first.
    pub created: Timestamp,
    /// When it was sent, refused or cancelled.
    pub settled: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxFilter {
    pub link: Option<LinkName>,
    pub kind: Option<OutboxKind>,
    pub state: Option<String>,
    /// Older than the row of this number: the next page.
    pub before: Option<i64>,
}

/// How many rows of a kind stand how, and since when the oldest of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxTotal {
    pub link: LinkName,
    pub kind: OutboxKind,
    /// The state; settled ones are not counted.
    pub state: String,
    pub total: u64,
    /// Since when the oldest of them waits.
    pub oldest: Timestamp,
}

impl Outbox<'_> {
    /// Rows of the outbox, the newest first.
    pub async fn list(self, filter: &OutboxFilter, limit: u32) -> Result<Vec<OutboxRow>, JournalError> {
        let OutboxFilter { link, kind, state, before } = filter;
        let sql = "SELECT * FROM outbox
            WHERE id < $1 AND ($2 = '' OR link = $2) AND ($3 = '' OR kind = $3) AND ($4 = '' OR state = $4)
            ORDER BY id DESC LIMIT $5";
        let link = link.as_ref().map_or("", LinkName::as_str);
        let kind = kind.map_or("", OutboxKind::as_str);
        let state = state.as_deref().unwrap_or_default();
        let args = args![before.unwrap_or(i64::MAX), link, kind, state, u64::from(limit)];
        self.store.rows(sql, args).await?.iter().map(outbox_row).collect()
    }

    /// How many rows wait, by link, kind and state.
    pub async fn totals(self) -> Result<Vec<OutboxTotal>, JournalError> {
        let sql = "SELECT link, kind, state, COUNT(*) AS total, MIN(created_ms) AS oldest_ms FROM outbox
            WHERE settled_ms IS NULL GROUP BY link, kind, state ORDER BY link, kind, state";
        let rows = self.store.rows(sql, args![]).await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxTotal {
                    link: LinkName::new(row.text("link")?),
                    kind: row.word("kind", OutboxKind::read)?,
                    state: row.text("state")?,
                    total: row.count("total")?,
                    oldest: row.time("oldest_ms")?,
                })
            })
            .collect()
    }
}

pub(crate) fn outbox_row(row: &Row) -> Result<OutboxRow, JournalError> {
    Ok(OutboxRow {
        id: row.int("id")?,
        kind: row.word("kind", OutboxKind::read)?,
        dedupe: row.text("dedupe")?,
        link: LinkName::new(row.text("link")?),
        run: row.maybe_text("run")?.map(RunId::new),
        record: row.maybe_text("record")?.and_then(|hex| hex.parse().ok()),
        course: row.maybe_text("course")?.map(ElmCourseId::new),
        state: row.text("state")?,
        payload: row.json("payload")?,
        attempts: row.count("attempts")?,
        next: row.time("next_ms")?,
        last_answer: row.text("last_answer")?,
        created: row.time("created_ms")?,
        settled: row.maybe_time("settled_ms")?,
    })
}
