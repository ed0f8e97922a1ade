//! Runs and their events: begin, say what happens, end.

mod event;
mod read;

pub use event::NewEvent;
pub(super) use event::append;
pub(super) use read::{EVENT, counts, event_row};
pub use read::{RunFilter, RunRow, RunStats, StoredEvent};

use super::store::args;
use super::{JournalError, Lease, Runs, bounded};
use jiff::Timestamp;
use rollbook_core::model::RunId;
use rollbook_core::run::{Counts, EventKind, RunKind, RunState};
use serde_json::json;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// `intake`, `completions` or `guilds`.
    pub flow: String,
    /// What it was asked to do.
    pub kind: RunKind,
    /// Where it reads from; no secret may be in it.
    pub url: String,
    /// Who asked for it: a person, or `schedule`.
    pub author: String,
}

const START: &str = "
    INSERT INTO run (id, link, flow, kind, state, author, url, started_ms)
    VALUES ($1, $2, $3, $4, 'running', $5, $6, $7)";

const FINISH: &str = "
    UPDATE run SET state = $3, ended_ms = $4, reason = $5, records = $6, enrolled = $7, suspended = $8, errors = $9,
        skipped = $10, waiting = $11, accounts = $12, mails = $13, calls = $14,
        planned = $15
    WHERE id = $1 AND link = $2 AND state = 'running'";

impl Runs<'_> {
    /// Begins a run; its id is made from `now`, so that ids sort by time.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn start(self, lease: &Lease, run: &NewRun, now: Timestamp) -> Result<RunId, JournalError> {
        let NewRun { flow, kind, url, author } = run;
        let id = run_id(now);
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        let args = args![id.as_str(), lease.link().as_str(), flow, kind.as_str(), author, bounded(url), now];
        tx.run(START, args).await?;
        let event = NewEvent::of(EventKind::Started, json!({"kind": kind, "flow": flow, "url": url}));
        append(&mut tx, Some(&id), lease.link(), &[event.by(author)], now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Ends a run, with what it came to.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`]; [`JournalError::Conflict`] where it has ended already.
    pub async fn finish(
        self,
        lease: &Lease,
        run: &RunId,
        state: RunState,
        counts: &Counts,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let Counts { records, enrolled, suspended, errors, skipped, waiting, planned, accounts, mails, calls } =
            *counts;
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        let link = lease.link();
        let mut args = args![run.as_str(), link.as_str(), state.as_str(), now, bounded(reason)];
        args.extend(args![records, enrolled, suspended, errors, skipped, waiting, accounts, mails, calls, planned]);
        if tx.run(FINISH, args).await? == 0 {
            return Err(JournalError::Conflict { what: format!("run {run} is not under way") });
        }
        let payload = json!({"state": state, "counts": counts, "reason": bounded(reason)});
        append(&mut tx, Some(run), link, &[NewEvent::of(EventKind::Ended, payload)], now).await?;
        tx.commit().await
    }

    /// Adds events to a run, all or none.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn append_events(
        self,
        lease: &Lease,
        run: &RunId,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        append(&mut tx, Some(run), lease.link(), events, now).await?;
        tx.commit().await
    }
}

fn run_id(now: Timestamp) -> RunId {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    RunId::new(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)).to_string())
}
