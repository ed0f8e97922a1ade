//! Batches to Moodle: halved when refused, stopped when the site is gone, the right is missing, or a stop is asked for.

use super::{AppliedChange, GuildWork, not_tried};
use rollbook_core::run::Outcome;
use rollbook_moodle::client::batch::{ItemOutcome, send_halving};
use rollbook_moodle::client::{Function, MoodleError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// After so many batches without an answer the site counts as gone.
const SILENCES_MAX: u32 = 3;

/// Whether anything further may be sent, and where what became of things is told.
pub(super) struct Gate<'a> {
    stop: &'a CancellationToken,
    report: &'a mpsc::Sender<Vec<AppliedChange>>,
    silences: AtomicU32,
    /// Why nothing is sent any more: at all (`None`), or by one function that the token may not call.
    shut: Mutex<BTreeMap<Option<Function>, String>>,
}

impl<'a> Gate<'a> {
    pub(super) fn new(stop: &'a CancellationToken, report: &'a mpsc::Sender<Vec<AppliedChange>>) -> Self {
        Self { stop, report, silences: AtomicU32::new(0), shut: Mutex::default() }
    }

    /// Tells what became of changes. When nobody listens any more, the gate is closed.
    pub(super) async fn report(&self, applied: Vec<AppliedChange>) {
        if !applied.is_empty() {
            let _ = self.report.send(applied).await;
        }
    }

    fn closed(&self, function: Function) -> Option<String> {
        if self.stop.is_cancelled() {
            return Some("the run was asked to stop".to_owned());
        }
        if self.report.is_closed() {
            return Some("the journal cannot be written".to_owned());
        }
        let shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.get(&None).or_else(|| shut.get(&Some(function))).cloned()
    }

    fn learn<R>(&self, function: Function, outcomes: &[ItemOutcome<R>]) {
        let mut silent = false;
        for outcome in outcomes {
            match outcome {
                ItemOutcome::Done(_) => self.silences.store(0, Ordering::Relaxed),
                ItemOutcome::Unknown(_) => silent = true,
                ItemOutcome::NotTried(error @ MoodleError::Denied { .. }) => {
                    self.shut(Some(function), error.to_string())
                }
                ItemOutcome::NotTried(error) => self.shut(None, error.to_string()),
                ItemOutcome::Refused(_) => {}
            }
        }
        if silent && self.silences.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCES_MAX {
            self.shut(None, format!("Moodle left {SILENCES_MAX} calls without an answer"));
        }
    }

    fn shut(&self, function: Option<Function>, why: String) {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).entry(function).or_insert(why);
    }
}

/// What became of one item, before it is settled.
pub(super) enum Sent<R> {
    Done(R),
    Not(Outcome),
}

/// Sends items in calls of at most what the function takes, as long as the gate is open; the answers come in order.
pub(super) async fn send<'i, I, R, F, Fut>(
    items: &'i [I],
    function: Function,
    with: &GuildWork<'_>,
    gate: &Gate<'_>,
    call: F,
) -> Vec<Sent<R>>
where
    F: Fn(&'i [I]) -> Fut,
    Fut: Future<Output = Result<Vec<R>, MoodleError>>,
{
    let mut sent = Vec::with_capacity(items.len());
    for batch in items.chunks(with.writer.client().items_max(function)) {
        if let Some(why) = gate.closed(function) {
            sent.extend(batch.iter().map(|_| Sent::Not(not_tried(&why))));
            continue;
        }
        let outcomes = send_halving(batch, batch.len() * 2, &call).await;
        gate.learn(function, &outcomes);
        sent.extend(outcomes.into_iter().map(judge));
    }
    sent
}

fn judge<R>(outcome: ItemOutcome<R>) -> Sent<R> {
    Sent::Not(match outcome {
        ItemOutcome::Done(answer) => return Sent::Done(answer),
        ItemOutcome::Refused(error) => Outcome::Refused { code: error.code().unwrap_or("refused").to_owned() },
        ItemOutcome::Unknown(_) => Outcome::Unknown,
        ItemOutcome::NotTried(error) => not_tried(&error.to_string()),
    })
}
