//! What people do about completions: supply an enrolment id, mark what was reported elsewhere, send again, cancel.

use super::attention;
use super::line::{self, LineState};
use super::reports::{OpenReport, code, event, open_report, subject};
use crate::runs::{NewEvent, append};
use crate::store::{Bulk, Tx, args, row};
use crate::{AttentionItem, Completions, JournalError, ms};
use jiff::Timestamp;
use rollbook_core::model::{CompletionKey, ElmCourseId, EnrolmentId, LinkName, SeenCompletion};
use rollbook_core::policy::DeliveryRules;
use rollbook_core::run::{Delivery, DeliveryEvent, EventKind, Jitter, step};
use serde_json::json;

/// The kind of the question about the ELM as a whole.
const ELM: &str = "completion_elm";

/// What marking completions came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    pub marked: u64,
    pub known: u64,
}

row! {
    struct MarkRow<'a> {
        user_id: i64,
        course_id: i64,
        completed_ms: i64,
        seen_by: &'static str,
        guid: &'a str,
        guid_fold: String,
        mail: &'a str,
        first_name: &'a str,
        last_name: &'a str,
        course: Option<&'a str>,
    }
}

const MARK: &str = "
    INSERT INTO completion (link, state, reason, seen_ms, {columns})
    SELECT $2, 'marked', $3, $4, {values} FROM {rows} WHERE true
    ON CONFLICT (link, user_id, course_id, completed_ms) DO UPDATE SET state = 'marked', code = '', reason = excluded.reason
    WHERE completion.state IN ('waiting', 'skipped')";

const SUPPLY: &str = "
    UPDATE completion SET supplied = $5 WHERE link = $1 AND user_id = $2 AND course_id = $3 AND completed_ms = $4
        AND state = 'waiting' RETURNING guid, course";

const REPORT: &str = "
    SELECT id, state, attempts, next_ms, payload, created_ms FROM outbox
    WHERE id = $1 AND link = $2 AND kind = 'completion' {lock}";

/// The ELM has no more rest, and every report that waits for its next try has it now.
const REST_NO_MORE: &str = "UPDATE completion_link SET circuit = '{}' WHERE link = $1";
const ALL_NOW: &str = "
    UPDATE outbox SET next_ms = $2
    WHERE link = $1 AND kind = 'completion' AND settled_ms IS NULL AND state IN ('due', 'unknown')";

const MOVE: &str = "
    UPDATE outbox SET state = $2, attempts = $3, next_ms = $4, settled_ms = $5, claimed_by = NULL, claimed_ms = NULL
    WHERE id = $1";

impl Completions<'_> {
    /// Takes the enrolment id that a person supplies for a completion that waits for one; the next run reports it.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] where no such completion waits.
    pub async fn supply_enrolment(
        self,
        link: &LinkName,
        key: CompletionKey,
        id: &EnrolmentId,
        by: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        let place = args![link.as_str(), key.user.0, key.course.0, ms(key.completed_at), id.as_str()];
        let Some(row) = tx.row(SUPPLY, place).await? else {
            return Err(JournalError::NotFound { what: format!("completion that waits: {key}") });
        };
        let event = NewEvent {
            guid: Some(rollbook_core::model::Guid::new(row.text("guid")?)),
            course: row.maybe_text("course")?.map(ElmCourseId::new),
            ..NewEvent::of(EventKind::Acted, json!({"act": "supply enrolment id", "completion": key, "id": id})).by(by)
        };
        append(&mut tx, None, link, &[event], now).await?;
        tx.commit().await
    }

    /// Marks completions as reported elsewhere: they are never reported from here.
    pub async fn mark_reported(
        self,
        link: &LinkName,
        completions: &[(SeenCompletion, Option<ElmCourseId>)],
        by: &str,
        now: Timestamp,
    ) -> Result<Marked, JournalError> {
        let rows: Vec<MarkRow<'_>> = completions.iter().map(|(seen, course)| mark_row(seen, course.as_ref())).collect();
        let mut tx = self.store.begin().await?;
        crate::feed::make_link(&mut tx, link, now).await?;
        let reason = format!("marked as reported by {by}");
        let marked = tx.bulk_run(MARK, &Bulk::pack(&rows), args![link.as_str(), reason, now]).await?;
        if marked > 0 {
            let payload = json!({"act": "mark completions as reported", "completions": marked});
            append(&mut tx, None, link, &[NewEvent::of(EventKind::Acted, payload).by(by)], now).await?;
        }
        tx.commit().await?;
        Ok(Marked { marked, known: completions.len() as u64 - marked })
    }

    /// Sends reports again, by a person's word: refused and cancelled ones, and at once those that wait for their next try.
    /// One in doubt is looked for first. Gives how many.
    pub async fn resend(self, link: &LinkName, reports: &[i64], by: &str, now: Timestamp) -> Result<u64, JournalError> {
        self.act_on(link, reports, &DeliveryEvent::Again, "send the report again", by, now).await
    }

    /// Gives reports up, by a person's word; they are not sent any more. Gives how many.
    pub async fn cancel_reports(
        self,
        link: &LinkName,
        reports: &[i64],
        by: &str,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        self.act_on(link, reports, &DeliveryEvent::Cancelled, "cancel the report", by, now).await
    }

    async fn act_on(
        self,
        link: &LinkName,
        reports: &[i64],
        by_move: &DeliveryEvent,
        act: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        let mut moved = 0;
        for id in reports {
            let Some(row) = tx.row(REPORT, args![*id, link.as_str()]).await? else { continue };
            let open = open_report(&row)?;
            // Rules and draw matter to waits only, and a person's act has none.
            let to = step(open.delivery, by_move.clone(), &DeliveryRules::default(), now, Jitter::new(0));
            if let Ok(to) = to {
                act_on_one(&mut tx, link, &open, to, (act, by), now).await?;
                moved += 1;
            }
        }
        tx.commit().await?;
        Ok(moved)
    }
}

/// A person says that the cause of an item is mended: its report goes out again, also a refused one; where the item is about
/// the ELM as a whole, every report that waits. What waits for something else is weighed again by the next run anyway. Gives
/// how many reports are due by that.
pub(crate) async fn try_again(
    tx: &mut Tx,
    item: &AttentionItem,
    by: &str,
    now: Timestamp,
) -> Result<u64, JournalError> {
    let link = &item.link;
    if item.kind == ELM {
        tx.run(REST_NO_MORE, args![link.as_str()]).await?;
        return tx.run(ALL_NOW, args![link.as_str(), now]).await;
    }
    let Some(report) = item.evidence["report"].as_i64() else { return Ok(0) };
    let Some(row) = tx.row(REPORT, args![report, link.as_str()]).await? else { return Ok(0) };
    let open = open_report(&row)?;
    let Ok(to) = step(open.delivery, DeliveryEvent::Again, &DeliveryRules::default(), now, Jitter::new(0)) else {
        return Ok(0);
    };
    act_on_one(tx, link, &open, to, ("send the report again", by), now).await?;
    Ok(1)
}

async fn act_on_one(
    tx: &mut Tx,
    link: &LinkName,
    open: &OpenReport,
    to: Delivery,
    (act, by): (&str, &str),
    now: Timestamp,
) -> Result<(), JournalError> {
    let settled = to.state.is_at_rest().then_some(now);
    tx.run(MOVE, args![open.id, to.state.as_str(), u64::from(to.attempts), to.next, settled]).await?;
    let reason = format!("{act}, by {by}");
    let line_state = LineState { code: code(to.state), reason: &reason, attempts: to.attempts };
    line::settle(tx, link, &open.report, &line_state, now).await?;
    let payload = json!({"act": act, "outbox": open.id, "state": to.state});
    append(tx, None, link, &[event(&open.report, EventKind::Acted, payload).by(by)], now).await?;
    let about = [subject(&open.report)].into();
    attention::close_others(tx, link, &["completion_refused", "completion_stuck"], &[], Some(&about), now).await
}

fn mark_row<'a>(seen: &'a SeenCompletion, course: Option<&'a ElmCourseId>) -> MarkRow<'a> {
    let SeenCompletion { key, guid, mail, first_name, last_name, by } = seen;
    MarkRow {
        user_id: key.user.0,
        course_id: key.course.0,
        completed_ms: ms(key.completed_at),
        seen_by: by.as_str(),
        guid: guid.as_str(),
        guid_fold: guid.folded(),
        mail,
        first_name,
        last_name,
        course: course.map(ElmCourseId::as_str),
    }
}
