//! Claims on the outbox that nobody will ever settle, because their process died.
//!
//! It must never make such a row due again: it may have arrived. A person may.

use super::runs::{NewEvent, append};
use super::store::args;
use super::{Journal, JournalError, OutboxKind};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Guid, LinkName, RunId};
use rollbook_core::run::EventKind;
use serde_json::json;

const WHY: &str = "its process ended while it was being sent";

const GIVE_UP: &str = "
    UPDATE outbox SET state = 'unknown', claimed_by = NULL, last_answer = $3
    WHERE kind = $1 AND state = 'sending' AND claimed_ms < $2
    RETURNING id, link, run, kind, record, guid_fold, course";

impl Journal {
    /// Says of every row that was claimed before `before` and never settled that its fate is not known; gives how many.
    /// Nobody looks whether they arrived: for what can be looked up, see [`Journal::take_stuck`].
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn give_up_claims(
        &self,
        kind: OutboxKind,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        let rows = tx.rows(GIVE_UP, args![kind.as_str(), before, WHY]).await?;
        for row in &rows {
            let payload = json!({"outbox": row.int("id")?, "kind": kind.as_str(), "state": "unknown", "answer": WHY});
            let event = NewEvent {
                record: row.maybe_text("record")?.and_then(|hex| hex.parse().ok()),
                guid: row.maybe_text("guid_fold")?.map(Guid::new),
                course: row.maybe_text("course")?.map(ElmCourseId::new),
                ..NewEvent::of(EventKind::Delivered, payload)
            };
            let run = row.maybe_text("run")?.map(RunId::new);
            append(&mut tx, run.as_ref(), &LinkName::new(row.text("link")?), &[event], now).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }
}
