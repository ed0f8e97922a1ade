//! Reports on their way: which are open, and what a try made of one.

use super::attention::{self, NewAttention};
use super::line::{self, LineState};
use crate::runs::{NewEvent, append};
use crate::store::{Row, Tx, args};
use crate::{Completions, JournalError, Lease, bounded};
use jiff::Timestamp;
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::plan::Report;
use rollbook_core::run::{Delivery, DeliveryState, EventKind, OutcomeCode};
use serde_json::{Value, json};

/// A report that is not at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// Its row in the outbox.
    pub id: i64,
    /// What is to be reported.
    pub report: Report,
    pub delivery: Delivery,
    pub queued: Timestamp,
}

/// What a move made of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportMove<'a> {
    /// The report as it was.
    pub report: &'a OpenReport,
    pub to: Delivery,
    /// What happened, as one word: `claimed`, `accepted`, `refused`, `looked up`…
    pub what: &'a str,
    /// What the ELM answered, in its own words; empty where it did not.
    pub answer: &'a str,
    /// The question for a human that comes of it.
    pub attention: Option<NewAttention>,
}

const OPEN: &str = "
    SELECT o.id, o.state, o.attempts, o.next_ms, o.payload, o.created_ms FROM outbox o
    JOIN completion c ON c.outbox = o.id
    WHERE o.link = $1 AND o.kind = 'completion' AND o.settled_ms IS NULL AND o.state IN ('due', 'sending', 'unknown')
        AND NOT EXISTS (SELECT 1 FROM link WHERE link.name = o.link AND link.paused_ms IS NOT NULL)
    ORDER BY c.completed_ms, c.id LIMIT $2";

const SENDING: &str = "
    SELECT id, state, attempts, next_ms, payload, created_ms FROM outbox
    WHERE link = $1 AND kind = 'completion' AND settled_ms IS NULL AND state = 'sending' ORDER BY id";

const COUNT: &str = "
    SELECT COUNT(*) AS total FROM outbox WHERE link = $1 AND kind = 'completion' AND settled_ms IS NULL
        AND state IN ('due', 'sending', 'unknown')";

const MOVE: &str = "
    UPDATE outbox SET state = $4, attempts = $5, next_ms = $6, last_answer = CASE WHEN $7 = '' THEN last_answer ELSE $7 END,
        settled_ms = $8, claimed_by = CASE WHEN $4 = 'sending' THEN $9 END,
        claimed_ms = CASE WHEN $4 = 'sending' THEN $10 END
    WHERE id = $1 AND state = $2 AND attempts = $3";

impl Completions<'_> {
    /// The reports of a link that are not at rest, in the order of completion, at most `limit`. A paused link has none.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for what a newer Rollbook wrote.
    pub async fn open_reports(self, link: &LinkName, limit: u64) -> Result<Vec<OpenReport>, JournalError> {
        let rows = self.store.rows(OPEN, args![link.as_str(), limit]).await?;
        rows.iter().map(open_report).collect()
    }

    /// The reports of a link that somebody claimed and has not settled.
    ///
    /// # Errors
    /// As [`Completions::open_reports`].
    pub async fn claimed_reports(self, link: &LinkName) -> Result<Vec<OpenReport>, JournalError> {
        self.store.rows(SENDING, args![link.as_str()]).await?.iter().map(open_report).collect()
    }

    /// How many reports of a link are not at rest.
    pub async fn count_open_reports(self, link: &LinkName) -> Result<u64, JournalError> {
        let row = self.store.row(COUNT, args![link.as_str()]).await?;
        row.map_or(Ok(0), |row| row.count("total"))
    }

    /// Records what a move made of a report: its row, its line in the log, an event, and what a human is asked.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`]; [`JournalError::Conflict`] where a person moved it in the meantime.
    pub async fn move_report(
        self,
        lease: &Lease,
        run: &RunId,
        moved: &ReportMove<'_>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let ReportMove { report, to, .. } = moved;
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        let settled = to.state.is_at_rest().then_some(now);
        let before = report.delivery;
        let place = args![report.id, before.state.as_str(), u64::from(before.attempts)];
        let after = args![to.state.as_str(), u64::from(to.attempts), to.next, bounded(moved.answer), settled];
        if tx.run(MOVE, [place, after, args![lease.holder(), now]].concat()).await? == 0 {
            return Err(JournalError::Conflict { what: format!("report {} is no longer {}", report.id, before.state) });
        }
        if to.state != DeliveryState::Sending {
            follow(&mut tx, lease.link(), run, moved, now).await?;
        }
        tx.commit().await
    }
}

/// What follows from a move: the line, the event, the attention.
async fn follow(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    moved: &ReportMove<'_>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let ReportMove { report: open, to, what, answer, attention: item } = moved;
    let report = &open.report;
    if to.state == DeliveryState::Sent {
        let sql = "UPDATE completion SET accepted_ms = $2 WHERE outbox = $1";
        tx.run(sql, args![open.id, now]).await?;
    }
    let latency_s = (to.state == DeliveryState::Sent).then(|| now.duration_since(report.key.completed_at).as_secs());
    let words = words(*to, what, answer);
    let line_state = LineState { code: code(to.state), reason: &words, attempts: to.attempts };
    line::settle(tx, link, report, &line_state, now).await?;
    let payload = json!({
        "outbox": open.id, "kind": "completion", "state": to.state, "what": what, "attempt": to.attempts,
        "answer": bounded(answer), "next": (!to.state.is_at_rest()).then(|| to.next.to_string()), "latency_s": latency_s,
    });
    append(tx, Some(run), link, &[event(report, EventKind::Delivered, payload)], now).await?;
    let subject = [subject(report)].into();
    let items: Vec<NewAttention> = item.iter().cloned().collect();
    attention::open(tx, link, &items, now).await?;
    attention::close_others(tx, link, &["completion_refused", "completion_stuck"], &items, Some(&subject), now).await
}

/// An event about a report.
pub(super) fn event(report: &Report, kind: EventKind, payload: Value) -> NewEvent {
    NewEvent {
        record: report.record,
        guid: Some(report.guid.clone()),
        course: Some(report.elm_id.clone()),
        ..NewEvent::of(kind, payload)
    }
}

/// What a question about a report is about.
pub(super) fn subject(report: &Report) -> String {
    format!("account {} in course {}", report.key.user, report.key.course)
}

/// The code of a report's line.
pub(super) fn code(state: DeliveryState) -> OutcomeCode {
    match state {
        DeliveryState::Due | DeliveryState::Sending | DeliveryState::Unknown => OutcomeCode::ReportDue,
        DeliveryState::Sent => OutcomeCode::Reported,
        DeliveryState::Refused => OutcomeCode::ReportRefused,
        DeliveryState::Cancelled => OutcomeCode::Ignored,
    }
}

fn words(to: Delivery, what: &str, answer: &str) -> String {
    let mut words = what.to_owned();
    if !answer.is_empty() {
        words = format!("{words}: {answer}");
    }
    if !to.state.is_at_rest() {
        words = format!("{words}; next try at {:.0}", to.next);
    }
    words
}

pub(super) fn open_report(row: &Row) -> Result<OpenReport, JournalError> {
    Ok(OpenReport {
        id: row.int("id")?,
        report: row.json("payload")?,
        delivery: Delivery {
            state: row.word("state", DeliveryState::read)?,
            attempts: u32::try_from(row.int("attempts")?).unwrap_or(u32::MAX),
            next: row.time("next_ms")?,
        },
        queued: row.time("created_ms")?,
    })
}
