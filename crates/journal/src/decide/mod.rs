//! What became of records: the projection, the event, the applied state, the mail and the attention, in one transaction.

mod attention;
mod before;
mod write;

pub(super) use attention::close_unneeded;

use super::course_counts::{self, Moves, short_action};
use super::runs::{NewEvent, append};
use super::store::{Tx, args};
use super::{JournalError, Lease, OutboxItem, Records};
use before::Before;
use jiff::Timestamp;
use rollbook_core::model::{Fingerprint, LinkName, MoodleCourseId, MoodleUserId, RunId};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::{Disposition, EventKind, OutcomeCode, Step, Verdict, disposition};
use serde_json::json;

/// What became of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub record: Fingerprint,
    pub verdict: Verdict,
    /// When it is tried again, if it is.
    pub next: Step,
    /// The Moodle course, 0 where none was found.
    pub course_id: MoodleCourseId,
    /// Its full name, empty where none was found.
    pub course_name: String,
    /// The Moodle account, 0 where there is none.
    pub user_id: MoodleUserId,
    /// The state that Moodle has now because of it, where it has.
    pub applied: Option<AppliedState>,
    /// The mail that it makes due.
    pub mail: Option<OutboxItem>,
}

/// What recording decisions came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Records with a new verdict.
    pub changed: u64,
    /// Records that stand as they stood.
    pub unchanged: u64,
    /// Mails that are due now and were not before.
    pub mails: u64,
}

/// A decision beside what it changes.
struct Change<'a> {
    decision: &'a Decision,
    before: Before,
    evidence: String,
    /// Whether anything but the time of the next try is new.
    is_new: bool,
    /// The attention that the record waits behind from now on.
    attention: Option<i64>,
    /// Whether a run whose plan was cleared left the record so.
    cleared: bool,
}

impl Change<'_> {
    fn code(&self) -> OutcomeCode {
        self.decision.verdict.code()
    }

    /// A human is asked for what only a human can mend, and for what has waited its time.
    fn needs_attention(&self) -> bool {
        matches!(self.decision.next, Step::AskAt(_)) || disposition(self.code()) == Disposition::Attention
    }
}

impl Records<'_> {
    /// Records what became of records, all or none. A waiting record whose verdict is what it was adds no event; its attempts
    /// grow only where trouble that may pass was met again. What a person decided to ignore while the run was under way
    /// stays ignored, unless something was done for it. The intent of a record ends here, but for an unknown outcome.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`]; [`JournalError::NotFound`] for a record that was never stored. Nothing is written then.
    pub async fn decide(
        self,
        lease: &Lease,
        run: &RunId,
        decisions: &[Decision],
        now: Timestamp,
    ) -> Result<Decided, JournalError> {
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        let mut changes = before::load(&mut tx, lease.link(), run, decisions).await?;
        let left = attention::open_needed(&mut tx, lease.link(), &mut changes, now).await?;
        write::records(&mut tx, run, &changes, now).await?;
        write::applied(&mut tx, lease.link(), &changes, now).await?;
        write::courses(&mut tx, lease.link(), &changes).await?;
        write::people(&mut tx, lease.link(), &changes).await?;
        course_counts::shift(&mut tx, lease.link(), &moves(&changes)).await?;
        let mails = write::mails(&mut tx, lease.link(), run, &changes, now).await?;
        let events: Vec<NewEvent> = changes.iter().filter(|change| change.is_new).map(event).collect();
        append(&mut tx, Some(run), lease.link(), &events, now).await?;
        close_unneeded(&mut tx, &left, now).await?;
        tx.commit().await?;
        let changed = events.len() as u64;
        Ok(Decided { changed, unchanged: decisions.len() as u64 - changed, mails })
    }
}

fn moves(changes: &[Change<'_>]) -> Moves {
    let mut moves = Moves::default();
    for Change { decision, before, .. } in changes.iter().filter(|change| change.is_new) {
        let code = decision.verdict.code();
        moves.leave(before.course.as_str(), &before.action, &before.status);
        moves.enter(before.course.as_str(), short_action(code.action(&before.state)), code.status());
    }
    moves
}

fn event(change: &Change<'_>) -> NewEvent {
    let Decision { record, verdict, next, course_id, user_id, course_name: _, applied: _, mail: _ } = change.decision;
    let next_try = match next {
        Step::Rest => None,
        Step::TryAt(at) | Step::AskAt(at) => Some(at.to_string()),
    };
    let payload = json!({
        "was": change.before.code, "verdict": verdict, "words": verdict.to_string(), "next_try": next_try,
        "course_id": course_id, "user_id": user_id,
    });
    NewEvent {
        record: Some(*record),
        guid: Some(change.before.guid.clone()),
        course: Some(change.before.course.clone()),
        ..NewEvent::of(EventKind::Decided, payload)
    }
}

/// Keeps a link's run from writing while a person's act is written, and the other way round.
pub(super) async fn keep_link(tx: &mut Tx, link: &LinkName) -> Result<(), JournalError> {
    tx.rows("SELECT fence FROM lease WHERE link = $1 {lock}", args![link.as_str()]).await?;
    Ok(())
}
