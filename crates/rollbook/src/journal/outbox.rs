//! Mails, completions and notices that are due: recorded before they are sent, each sent once.
//!
//! A row is `due`, then `sending` while somebody holds a claim on it, then `sent`, `refused` or `cancelled`. A claim whose
//! holder died becomes `unknown`: whether it arrived is not known, so the caller looks first, and then says.

use super::feed::keys;
use super::runs::{NewEvent, append};
use super::store::{Bulk, Column, Row, Tx, args, column_int, column_text};
use super::{Journal, JournalError, bounded, ms};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, Guid, LinkName, RunId};
use rollbook_core::run::EventKind;
use serde::Serialize;
use serde_json::{Value, json};

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
    /// What it is.
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
    /// The row.
    pub id: i64,
    /// What it is.
    pub kind: OutboxKind,
    /// Its link.
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
pub enum Delivery {
    /// It was accepted.
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

/// A row on its way into the outbox.
#[derive(Serialize)]
pub(super) struct NewRow<'a> {
    kind: &'static str,
    dedupe: &'a str,
    payload: String,
    next_ms: i64,
    record: Option<Fingerprint>,
    guid_fold: Option<String>,
    course: Option<&'a str>,
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

const COLUMNS: &[Column] = &[
    column_text("kind"),
    column_text("dedupe"),
    column_text("payload"),
    column_int("next_ms"),
    column_text("record"),
    column_text("guid_fold"),
    column_text("course"),
];

const INSERT: &str = "
    INSERT INTO outbox (link, run, kind, dedupe, record, guid_fold, course, state, payload, next_ms, created_ms)
    SELECT $2, $3, r.kind, r.dedupe, r.record, r.guid_fold, r.course, 'due', r.payload, r.next_ms, $4
    FROM {rows} WHERE true
    ON CONFLICT (dedupe) DO NOTHING";

const CLAIM: &str = "
    UPDATE outbox SET state = 'sending', claimed_by = $3, claimed_ms = $2, attempts = attempts + 1
    WHERE state = 'due' AND id IN (
        SELECT id FROM outbox WHERE kind = $1 AND state = 'due' AND next_ms <= $2
            AND ($5 = '' OR link = $5)
            AND NOT EXISTS (SELECT 1 FROM link WHERE link.name = outbox.link AND link.paused_ms IS NOT NULL)
        ORDER BY next_ms, id LIMIT $4 {skip_locked})
    RETURNING id, kind, link, dedupe, payload, attempts, created_ms";

const SETTLE: &str = "
    UPDATE outbox SET state = $4, next_ms = COALESCE($5, next_ms), last_answer = $6, settled_ms = $7, claimed_by = NULL
    WHERE id = $1 AND state = 'sending' AND attempts = $2 AND claimed_by = $3
    RETURNING link, run, kind, record, guid_fold, course";

/// Adds rows inside a transaction; gives how many were not there before.
pub(super) async fn insert(
    tx: &mut Tx,
    link: &LinkName,
    run: Option<&RunId>,
    rows: &[NewRow<'_>],
    now: Timestamp,
) -> Result<u64, JournalError> {
    tx.bulk_run(INSERT, &Bulk::pack(COLUMNS, rows), args![link.as_str(), run.map(RunId::as_str), now]).await
}

impl Journal {
    /// Makes notices (or other things that no decision carries) due; gives how many were not so before.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn enqueue(&self, link: &LinkName, items: &[OutboxItem], now: Timestamp) -> Result<u64, JournalError> {
        let rows: Vec<NewRow<'_>> = items.iter().map(NewRow::of).collect();
        let mut tx = self.store.begin().await?;
        let added = insert(&mut tx, link, None, &rows, now).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Takes up to `limit` rows that are due, the longest due first, for `who` alone; of one link, or of all. Links that are
    /// paused keep theirs.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn claim_due(
        &self,
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

    /// Records what became of a claimed row, with the answer (its first 16 KiB).
    ///
    /// # Errors
    /// [`JournalError::ClaimLost`] where the claim lasted too long and was taken away.
    pub async fn settle_outbox(
        &self,
        row: &Claimed,
        who: &str,
        delivery: &Delivery,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (state, next, settled) = match delivery {
            Delivery::Sent => ("sent", None, Some(now)),
            Delivery::Retry(at) => ("due", Some(*at), None),
            Delivery::Refused => ("refused", None, Some(now)),
            Delivery::Unknown => ("unknown", None, None),
            Delivery::Cancelled => ("cancelled", None, Some(now)),
        };
        let mut tx = self.store.begin().await?;
        let args = args![row.id, row.attempt, who, state, next, bounded(answer), settled];
        let Some(found) = tx.row(SETTLE, args).await? else {
            return Err(JournalError::ClaimLost { id: row.id });
        };
        let payload = json!({
            "outbox": row.id, "kind": row.kind.as_str(), "state": state, "attempt": row.attempt, "answer": bounded(answer),
        });
        delivered(&mut tx, &found, payload, "", now).await?;
        tx.commit().await
    }

    /// Takes away the claims that were made before `before` and never settled: their rows become `unknown`, and are given
    /// back, claimed anew by `who`, so that somebody looks whether they arrived and settles them.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn take_stuck(
        &self,
        kind: OutboxKind,
        who: &str,
        before: Timestamp,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<Claimed>, JournalError> {
        let sql = "
            UPDATE outbox SET state = 'sending', claimed_by = $3, claimed_ms = $4, attempts = attempts + 1
            WHERE id IN (SELECT id FROM outbox WHERE kind = $1
                AND (state = 'unknown' OR (state = 'sending' AND claimed_ms < $2)) ORDER BY id LIMIT $5 {skip_locked})
            RETURNING id, kind, link, dedupe, payload, attempts, created_ms";
        let mut tx = self.store.begin().await?;
        let rows = tx.rows(sql, args![kind.as_str(), before, who, now, limit]).await?;
        let taken = rows.iter().map(claimed).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Makes refused, unknown or cancelled rows due again, by a person's word.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn send_again(&self, rows: &[i64], by: &str, now: Timestamp) -> Result<u64, JournalError> {
        let sql = "
            UPDATE outbox SET state = 'due', next_ms = $2, settled_ms = NULL, claimed_by = NULL FROM {rows}
            WHERE outbox.id = CAST(r.key AS BIGINT) AND state IN ('refused', 'unknown', 'cancelled')
            RETURNING id, link, run, kind, record, guid_fold, course";
        let mut tx = self.store.begin().await?;
        let ids: Vec<String> = rows.iter().map(i64::to_string).collect();
        let found = tx.bulk_rows(sql, &keys(&ids), args![now]).await?;
        for row in &found {
            let payload = json!({"act": "send again", "outbox": row.int("id")?, "kind": row.text("kind")?});
            delivered(&mut tx, row, payload, by, now).await?;
        }
        tx.commit().await?;
        Ok(found.len() as u64)
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

async fn delivered(tx: &mut Tx, row: &Row, payload: Value, by: &str, now: Timestamp) -> Result<(), JournalError> {
    let link = LinkName::new(row.text("link")?);
    let run = row.maybe_text("run")?.map(RunId::new);
    let kind = if by.is_empty() { EventKind::Delivered } else { EventKind::Acted };
    let event = NewEvent {
        record: row.maybe_text("record")?.and_then(|hex| hex.parse().ok()),
        guid: row.maybe_text("guid_fold")?.map(Guid::new),
        course: row.maybe_text("course")?.map(ElmCourseId::new),
        ..NewEvent::of(kind, payload).by(by)
    };
    append(tx, run.as_ref(), &link, &[event], now).await
}
