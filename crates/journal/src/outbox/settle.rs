//! What becomes of a row of the outbox: each answer is an event.

use super::{Claimed, OutboxKind, SendOutcome, claimed, undelivered};
use crate::feed::keys;
use crate::runs::{NewEvent, append};
use crate::store::{Row, Tx, args};
use crate::{JournalError, Outbox, bounded};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Guid, LinkName, RunId};
use rollbook_core::run::EventKind;
use serde_json::{Value, json};

const SETTLE: &str = "
    UPDATE outbox SET state = $4, next_ms = COALESCE($5, next_ms), last_answer = $6, settled_ms = $7, claimed_by = NULL
    WHERE id = $1 AND state = 'sending' AND attempts = $2 AND claimed_by = $3
    RETURNING id, link, run, kind, record, guid_fold, course, payload";

const GIVE_UP: &str = "
    UPDATE outbox SET state = 'unknown', claimed_by = NULL, last_answer = $3
    WHERE kind = $1 AND state = 'sending' AND claimed_ms < $2
    RETURNING id, link, run, kind, record, guid_fold, course, payload";

/// What is said of a row whose sender died.
const DIED: &str = "its process ended while it was being sent";

impl Outbox<'_> {
    /// Records what became of a claimed row, with the answer (its first 16 KiB).
    ///
    /// # Errors
    /// [`JournalError::ClaimLost`] where the claim lasted too long and was taken away.
    pub async fn settle(
        self,
        row: &Claimed,
        who: &str,
        delivery: &SendOutcome,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (state, next, settled) = match delivery {
            SendOutcome::Sent => ("sent", None, Some(now)),
            SendOutcome::Retry(at) => ("due", Some(*at), None),
            SendOutcome::Refused => ("refused", None, Some(now)),
            SendOutcome::Unknown => ("unknown", None, None),
            SendOutcome::Cancelled => ("cancelled", None, Some(now)),
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
        undelivered::open(&mut tx, &found, state, answer, now).await?;
        tx.commit().await
    }

    /// Takes away the claims that were made before `before` and never settled: their rows become `unknown`, and are given
    /// back, claimed anew by `who`, so that somebody looks whether they arrived and settles them.
    pub async fn reclaim_stale(
        self,
        kind: OutboxKind,
        who: &str,
        before: Timestamp,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<Claimed>, JournalError> {
        let sql = "
            WITH picked AS MATERIALIZED (
                SELECT id FROM outbox WHERE kind = $1 AND settled_ms IS NULL
                    AND (state = 'unknown' OR (state = 'sending' AND claimed_ms < $2))
                ORDER BY id LIMIT $5 {skip_locked})
            UPDATE outbox SET state = 'sending', claimed_by = $3, claimed_ms = $4, attempts = attempts + 1
            WHERE id IN (SELECT id FROM picked)
            RETURNING id, kind, link, dedupe, payload, attempts, created_ms";
        let mut tx = self.store.begin().await?;
        let rows = tx.rows(sql, args![kind.as_str(), before, who, now, limit]).await?;
        let taken = rows.iter().map(claimed).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Says of every row that was claimed before `before` and never settled that its fate is not known; gives how many. For
    /// what nobody can look up; what can be, see [`Outbox::reclaim_stale`].
    pub async fn expire_claims(self, kind: OutboxKind, before: Timestamp, now: Timestamp) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        let rows = tx.rows(GIVE_UP, args![kind.as_str(), before, DIED]).await?;
        for row in &rows {
            let payload = json!({"outbox": row.int("id")?, "kind": kind.as_str(), "state": "unknown", "answer": DIED});
            delivered(&mut tx, row, payload, "", now).await?;
            undelivered::open(&mut tx, row, "unknown", DIED, now).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Makes refused, unknown or cancelled rows due again, on behalf of a person; the items about them close.
    pub async fn resend(self, rows: &[i64], by: &str, now: Timestamp) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        let resent = resend(&mut tx, rows, by, now).await?;
        tx.commit().await?;
        Ok(resent)
    }
}

/// As [`Outbox::resend`], inside a transaction.
pub(crate) async fn resend(tx: &mut Tx, rows: &[i64], by: &str, now: Timestamp) -> Result<u64, JournalError> {
    let sql = "
        UPDATE outbox SET state = 'due', next_ms = $2, settled_ms = NULL, claimed_by = NULL FROM {rows}
        WHERE outbox.id = CAST(r.key AS BIGINT) AND state IN ('refused', 'unknown', 'cancelled')
        RETURNING id, link, run, kind, record, guid_fold, course";
    let ids: Vec<String> = rows.iter().map(i64::to_string).collect();
    let found = tx.bulk_rows(sql, &keys(&ids), args![now]).await?;
    for row in &found {
        let id = row.int("id")?;
        let payload = json!({"act": "send again", "outbox": id, "kind": row.text("kind")?});
        delivered(tx, row, payload, by, now).await?;
        undelivered::close(tx, id, now).await?;
    }
    Ok(found.len() as u64)
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
