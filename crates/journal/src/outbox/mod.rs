//! Mails, completions and notices that are due: recorded before they are sent, each sent once.
//!
//! A row is `due`, then `sending` while somebody holds a claim on it, then `sent`, `refused` or `cancelled`. A claim whose
//! holder died becomes `unknown`: whether it arrived is not known, so the caller looks first, and then says.
//! Next: `settle` for what becomes of a row, `read` for what people see.

mod read;
mod settle;
mod undelivered;

pub(super) use read::outbox_row;
pub use read::{OutboxFilter, OutboxRow, OutboxTotal};
pub(super) use settle::resend;
pub(super) use undelivered::row_of;

use super::store::{Bulk, Row, Tx, args, row};
use super::{JournalError, Outbox, ms};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, Guid, LinkName, RunId};
use serde_json::Value;

/// What leaves by the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutboxKind {
    /// A mail to a learner.
    Mail,
    /// A completion, to the ELM.
    Completion,
    /// A mail or webhook to the operators.
    Notice,
}

impl OutboxKind {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Completion => "completion",
            Self::Notice => "notice",
        }
    }

    /// The kind of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        [Self::Mail, Self::Completion, Self::Notice].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something to be sent once.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxItem {
    pub kind: OutboxKind,
    /// What makes two of them one; unique over all kinds and links, for ever.
    pub dedupe: String,
    /// All that the sender needs.
    pub payload: Value,
    /// Not to be sent before this moment.
    pub next: Timestamp,
}

/// A row that the caller alone may send now.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub id: i64,
    pub kind: OutboxKind,
    pub link: LinkName,
    /// What makes two of them one.
    pub dedupe: String,
    /// All that the sender needs.
    pub payload: Value,
    /// Which try this is, from 1. It proves the claim, too.
    pub attempt: i64,
    /// When it was made due first.
    pub created: Timestamp,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    Sent,
    /// It was surely not accepted; try again at this moment.
    Retry(Timestamp),
    /// It was refused for good; a human must look.
    Refused,
    /// No answer came: it may or may not have arrived.
    Unknown,
    /// It shall not be sent any more.
    Cancelled,
}

row! {
    /// A row on its way into the outbox.
    pub(super) struct NewRow<'a> {
        kind: &'static str,
        dedupe: &'a str,
        payload: String,
        next_ms: i64,
        record: Option<Fingerprint>,
        guid_fold: Option<String>,
        course: Option<&'a str>,
    }
}

impl<'a> NewRow<'a> {
    pub fn of(item: &'a OutboxItem) -> Self {
        let OutboxItem { kind, dedupe, payload, next } = item;
        let payload = payload.to_string();
        Self { kind: kind.as_str(), dedupe, payload, next_ms: ms(*next), record: None, guid_fold: None, course: None }
    }

    pub fn about(mut self, record: Fingerprint, guid: &Guid, course: &'a ElmCourseId) -> Self {
        self.record = Some(record);
        self.guid_fold = Some(guid.folded());
        self.course = Some(course.as_str());
        self
    }
}

const INSERT: &str = "
    INSERT INTO outbox (link, run, state, created_ms, {columns})
    SELECT $2, $3, 'due', $4, {values} FROM {rows} WHERE true
    ON CONFLICT (dedupe) DO NOTHING";

/// Materialised: PostgreSQL may run a sub-query more than once, and each time skip what it locked before.
const CLAIM: &str = "
    WITH picked AS MATERIALIZED (
        SELECT id FROM outbox WHERE kind = $1 AND state = 'due' AND next_ms <= $2
            AND ($5 = '' OR link = $5)
            AND ($1 = 'notice' OR NOT EXISTS (SELECT 1 FROM link WHERE link.name = outbox.link AND link.paused_ms IS NOT NULL))
        ORDER BY next_ms, id LIMIT $4 {skip_locked})
    UPDATE outbox SET state = 'sending', claimed_by = $3, claimed_ms = $2, attempts = attempts + 1
    WHERE state = 'due' AND id IN (SELECT id FROM picked)
    RETURNING id, kind, link, dedupe, payload, attempts, created_ms";

/// Adds rows inside a transaction; gives how many were not there before.
pub(super) async fn insert(
    tx: &mut Tx,
    link: &LinkName,
    run: Option<&RunId>,
    rows: &[NewRow<'_>],
    now: Timestamp,
) -> Result<u64, JournalError> {
    tx.bulk_run(INSERT, &Bulk::pack(rows), args![link.as_str(), run.map(RunId::as_str), now]).await
}

impl Outbox<'_> {
    /// Makes notices (or other things that no decision carries) due; gives how many were not so before.
    pub async fn enqueue(self, link: &LinkName, items: &[OutboxItem], now: Timestamp) -> Result<u64, JournalError> {
        let rows: Vec<NewRow<'_>> = items.iter().map(NewRow::of).collect();
        let mut tx = self.store.begin().await?;
        let added = insert(&mut tx, link, None, &rows, now).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Takes up to `limit` rows that are due, the longest due first, for `who` alone; of one link, or of all. Links that are
    /// paused keep theirs, but for notices: a pause must not hide trouble.
    pub async fn claim_due(
        self,
        kind: OutboxKind,
        link: Option<&LinkName>,
        who: &str,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<Claimed>, JournalError> {
        let link = link.map_or("", LinkName::as_str);
        let mut tx = self.store.begin().await?;
        let rows = tx.rows(CLAIM, args![kind.as_str(), now, who, limit, link]).await?;
        let mut claimed = rows.iter().map(claimed).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        claimed.sort_by_key(|row| (row.created, row.id));
        Ok(claimed)
    }
}

fn claimed(row: &Row) -> Result<Claimed, JournalError> {
    Ok(Claimed {
        id: row.int("id")?,
        kind: row.word("kind", OutboxKind::read)?,
        link: LinkName::new(row.text("link")?),
        dedupe: row.text("dedupe")?,
        payload: row.json("payload")?,
        attempt: row.int("attempts")?,
        created: row.time("created_ms")?,
    })
}
