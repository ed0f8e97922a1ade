//! A person settles an item, or single records: they are released for another try, or ignored for good.

use super::AttentionItem;
use crate::completions;
use crate::course_counts::{self, Moves};
use crate::decide::{close_unneeded, keep_link};
use crate::feed::keys;
use crate::outbox;
use crate::runs::{NewEvent, append};
use crate::store::{Row, Tx, args};
use crate::{Attention, JournalError, Records, bounded};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, Guid, LinkName};
use rollbook_core::run::{Disposition, EventKind, OutcomeCode, Verdict};
use serde_json::{Value, json};

/// What becomes of the records that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// They are tried again by the next run.
    Release,
    /// They are settled: nothing is done for them, now or later.
    Ignore,
}

/// What a resolution came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Records that were released or ignored, and reports that are due again.
    pub records: u64,
}

const RELEASE: &str = "
    UPDATE record SET next_try_ms = $2, attention = NULL WHERE attention = $1 AND standing <> 'settled'
    RETURNING course, action, status, state";

const IGNORE: &str = "
    UPDATE record SET code = $3, standing = $4, status = $5, reason = $6, evidence = $7, decided_ms = $2, at_ms = $2,
        next_try_ms = NULL, attention = NULL, intent = NULL, intent_run = NULL
    WHERE attention = $1 AND standing <> 'settled'
    RETURNING course, action, state";

const INSERT_EVENTS: &str = "
    INSERT INTO event (run, link, at_ms, kind, author, record, guid_fold, course, payload)
    SELECT NULL, link, $2, 'acted', $3, fingerprint, guid_fold, course, $4 FROM record WHERE attention = $1";

impl Attention<'_> {
    /// Closes an item by a person's word. `action` says what the person did or chose, in a word or two (`try again`, `use
    /// account 42`, `mail corrected in Moodle`, `ignore`). Every record behind it gets an event with the author; where there is
    /// none, the item itself. Released, a completion's report goes out again, also a refused one.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Conflict`] where it is closed already.
    pub async fn resolve(
        self,
        item: i64,
        resolution: Resolution,
        action: &str,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Resolved, JournalError> {
        let found = self.find(item).await?;
        let link = found.link.clone();
        let mut tx = self.store.begin().await?;
        keep_link(&mut tx, &link).await?;
        let sql = "UPDATE attention SET closed_ms = $2, action = $3, resolved_by = $4, reason = $5
            WHERE id = $1 AND closed_ms IS NULL";
        if tx.run(sql, args![item, now, bounded(action), by, bounded(reason)]).await? == 0 {
            return Err(JournalError::Conflict { what: format!("attention item {item} is closed already") });
        }
        let act = act_of(&found, action, reason);
        tx.run(INSERT_EVENTS, args![item, now, by, act.to_string()]).await?;
        let mut released = match resolution {
            Resolution::Release => tx.rows(RELEASE, args![item, now]).await?.len(),
            Resolution::Ignore => ignore(&mut tx, &link, item, reason, now).await?,
        } as u64;
        if found.kind.starts_with(completions::PREFIX) {
            append(&mut tx, None, &link, &[said_of(&found, act).by(by)], now).await?;
            if resolution == Resolution::Release {
                released += completions::try_again(&mut tx, &found, by, now).await?;
            }
        }
        if let Some(row) = outbox::row_of(&found) {
            append(&mut tx, None, &link, &[said_of(&found, act_of(&found, action, reason)).by(by)], now).await?;
            if resolution == Resolution::Release {
                released += outbox::resend(&mut tx, &[row], by, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Resolved { records: released })
    }

    /// Opens an item that no record waits behind (a completion without enrolment record, a refused delivery), or sees an
    /// open one again. Gives its number.
    pub async fn open(
        self,
        link: &LinkName,
        kind: &str,
        subject: &str,
        title: &str,
        evidence: &Value,
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let sql = "
            INSERT INTO attention (link, kind, subject, title, evidence, opened_ms, seen_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT (link, kind, subject) WHERE closed_ms IS NULL
            DO UPDATE SET seen_ms = excluded.seen_ms, title = excluded.title, evidence = excluded.evidence
            RETURNING id";
        let mut tx = self.store.begin().await?;
        let row = tx.row(sql, args![link.as_str(), kind, subject, bounded(title), evidence.to_string(), now]).await?;
        let id = row.ok_or_else(|| JournalError::NotFound { what: "item that was opened just now".to_owned() })?;
        let id = id.int("id")?;
        tx.commit().await?;
        Ok(id)
    }

    /// Closes an item by itself, once its cause is gone. Records behind it keep it open. Says whether it was closed.
    pub async fn close(self, link: &LinkName, kind: &str, subject: &str, now: Timestamp) -> Result<bool, JournalError> {
        let sql = "SELECT id FROM attention WHERE link = $1 AND kind = $2 AND subject = $3 AND closed_ms IS NULL";
        let mut tx = self.store.begin().await?;
        let rows = tx.rows(sql, args![link.as_str(), kind, subject]).await?;
        let ids = rows.iter().map(|row| row.int("id")).collect::<Result<Vec<_>, _>>()?;
        let closed = close_unneeded(&mut tx, &ids, now).await?;
        tx.commit().await?;
        Ok(closed > 0)
    }
}

impl Records<'_> {
    /// Lets records that wait be tried by the next run, by a person's word; settled ones stay as they are. Gives how many it
    /// released.
    pub async fn retry(
        self,
        link: &LinkName,
        records: &[Fingerprint],
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        let sql = "
            WITH meant AS MATERIALIZED (SELECT found.id FROM {rows}
                {join} record AS found ON found.link = $2 AND found.fingerprint = r.key AND found.line = '')
            UPDATE record SET next_try_ms = $3 FROM meant
            WHERE record.id = meant.id AND record.standing <> 'settled'";
        let event = "
            INSERT INTO event (run, link, at_ms, kind, author, record, guid_fold, course, payload)
            SELECT NULL, record.link, $3, $4, $5, record.fingerprint, record.guid_fold, record.course, $6 FROM {rows}
            {join} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''
            WHERE record.standing <> 'settled'";
        let act = json!({"act": "try again", "reason": bounded(reason)}).to_string();
        let keys = keys(records);
        let mut tx = self.store.begin().await?;
        keep_link(&mut tx, link).await?;
        tx.bulk_run(event, &keys, args![link.as_str(), now, EventKind::Acted.as_str(), by, act]).await?;
        let released = tx.bulk_run(sql, &keys, args![link.as_str(), now]).await?;
        tx.commit().await?;
        Ok(released)
    }
}

fn act_of(item: &AttentionItem, action: &str, reason: &str) -> Value {
    json!({"act": action, "attention": item.id, "reason": bounded(reason)})
}

/// What a person did about a completion or a mail: no record waits behind it that could tell.
fn said_of(item: &AttentionItem, act: Value) -> NewEvent {
    let guid = item.evidence["guid"].as_str().filter(|guid| !guid.is_empty()).map(Guid::new);
    let course = item.evidence["course"].as_str().map(ElmCourseId::new);
    NewEvent { guid, course, ..NewEvent::of(EventKind::Acted, act) }
}

async fn ignore(tx: &mut Tx, link: &LinkName, item: i64, reason: &str, now: Timestamp) -> Result<usize, JournalError> {
    let verdict = Verdict::Ignored { why: bounded(reason).into() };
    let code = OutcomeCode::Ignored;
    let evidence = serde_json::to_string(&verdict).expect("a verdict is plain data");
    let before = tx.rows("SELECT course, action, status FROM record WHERE attention = $1", args![item]).await?;
    let mut moves = Moves::default();
    for row in &before {
        leave(&mut moves, row)?;
        moves.enter(&row.text("course")?, &row.text("action")?, code.status());
    }
    let standing = Disposition::Settled.as_str();
    let args = args![item, now, code.as_str(), standing, code.status(), bounded(&verdict.to_string()), evidence];
    let ignored = tx.rows(IGNORE, args).await?.len();
    course_counts::shift(tx, link, &moves).await?;
    Ok(ignored)
}

fn leave(moves: &mut Moves, row: &Row) -> Result<(), JournalError> {
    moves.leave(&row.text("course")?, &row.text("action")?, &row.text("status")?);
    Ok(())
}
