//! Batches to Moodle: halved when refused, stopped when the site is gone, a right is missing, the lease is lost, or a stop
//! is asked for. What was not sent is `NotTried`, with the reason.

use super::LeaseGuard;
use rollbook_core::run::Outcome;
use rollbook_journal::JournalError;
use rollbook_moodle::client::batch::{ItemOutcome, send_halving};
use rollbook_moodle::client::{Function, MoodleClient, MoodleError, MoodleReader, MoodleWriter};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;

/// After so many batches without an answer the site counts as gone.
const SILENCES_MAX: u32 = 3;
/// So many reports may wait for the journal before sending waits too.
const REPORTS_AHEAD_MAX: usize = 8;
/// Moodle's code for a deadlock, another writer at the same moment, and a value that is too long alike.
const CONFLICT: &str = "dmlwriteexception";

/// The one way to a Moodle's writes. `A` is what the flow reports of each batch.
pub(crate) struct Sender<'a, A> {
    /// The half of the client that reads, for settling.
    pub reader: MoodleReader,
    /// The half that writes.
    pub writer: MoodleWriter,
    /// Calls under way at the same time, at least 1.
    pub concurrency: usize,
    lease: &'a LeaseGuard,
    reports: mpsc::Sender<Vec<A>>,
    silences: AtomicU32,
    /// Why nothing is sent any more: at all (`None`), or by one function that the token may not call.
    shut: Mutex<BTreeMap<Option<Function>, String>>,
}

/// What became of one item, before it is settled.
pub(crate) enum Sent<R> {
    Done(R),
    Not(Outcome),
}

impl<R> Sent<R> {
    pub fn into_outcome(self) -> Outcome {
        match self {
            Self::Done(_) => Outcome::Done,
            Self::Not(outcome) => outcome,
        }
    }

    pub fn into_result(self) -> Result<R, Outcome> {
        match self {
            Self::Done(answer) => Ok(answer),
            Self::Not(outcome) => Err(outcome),
        }
    }
}

/// Applies with one half and records with the other: `apply` gets the sender, `record` each bundle that it reports, as soon
/// as it is known. Nothing further is sent once `record` has failed: the journal could not say what was.
///
/// # Errors
/// The first error of `record`.
pub(crate) async fn send_and_record<A, T>(
    moodle: &MoodleClient,
    lease: &LeaseGuard,
    concurrency: usize,
    apply: impl AsyncFnOnce(Sender<'_, A>) -> T,
    mut record: impl AsyncFnMut(Vec<A>) -> Result<(), JournalError>,
) -> Result<T, JournalError> {
    let (reports, mut received) = mpsc::channel(REPORTS_AHEAD_MAX);
    let sender = Sender {
        reader: moodle.reader(),
        writer: moodle.writer(),
        concurrency: concurrency.max(1),
        lease,
        reports,
        silences: AtomicU32::new(0),
        shut: Mutex::default(),
    };
    let recording = async {
        while let Some(bundle) = received.recv().await {
            let recorded = record(bundle).await;
            if recorded.is_err() {
                received.close();
                return recorded;
            }
        }
        Ok(())
    };
    let (applied, recorded) = tokio::join!(apply(sender), recording);
    recorded.map(|()| applied)
}

impl<A> Sender<'_, A> {
    /// Sends items in calls of at most what the function takes; the answers come in order.
    pub async fn send<'i, I, R, F, Fut>(&self, items: &'i [I], function: Function, call: F) -> Vec<Sent<R>>
    where
        F: Fn(&'i [I]) -> Fut,
        Fut: Future<Output = Result<Vec<R>, MoodleError>>,
    {
        let mut sent = Vec::with_capacity(items.len());
        for batch in items.chunks(self.items_max(function)) {
            if let Some(why) = self.refusal(function).await {
                sent.extend(batch.iter().map(|_| Sent::Not(not_tried(&why))));
                continue;
            }
            let outcomes = send_halving(batch, batch.len() * 2, &call).await;
            self.learn(function, &outcomes);
            sent.extend(outcomes.into_iter().map(to_sent));
        }
        sent
    }

    /// How many items one call of a function takes.
    pub fn items_max(&self, function: Function) -> usize {
        self.writer.client().items_max(function)
    }

    /// Hands over what became of things. When nobody records any more, nothing further is sent.
    pub async fn report(&self, bundle: Vec<A>) {
        if !bundle.is_empty() {
            let _ = self.reports.send(bundle).await;
        }
    }

    /// Why nothing further may be sent by a function; `None` while it may.
    async fn refusal(&self, function: Function) -> Option<String> {
        if self.lease.stop().is_cancelled() {
            return Some("the run was asked to stop".to_owned());
        }
        if self.reports.is_closed() {
            return Some("the journal cannot be written".to_owned());
        }
        let shut = |shut: &BTreeMap<_, String>| shut.get(&None).or_else(|| shut.get(&Some(function))).cloned();
        if let Some(why) = shut(&self.shut.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Some(why);
        }
        self.lease.check().await.err().map(|error| error.to_string())
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

fn to_sent<R>(outcome: ItemOutcome<R>) -> Sent<R> {
    Sent::Not(match outcome {
        ItemOutcome::Done(answer) => return Sent::Done(answer),
        ItemOutcome::Refused(error) => Outcome::Refused { code: error.code().unwrap_or("refused").to_owned() },
        ItemOutcome::Unknown(_) => Outcome::Unknown,
        ItemOutcome::NotTried(error) => not_tried(&error.to_string()),
    })
}

pub(crate) fn not_tried(why: &str) -> Outcome {
    Outcome::NotTried { why: why.to_owned() }
}

/// Whether the remote record must be read before anything is said: no answer came, or a conflict that may be another
/// writer's doing.
pub(crate) fn in_doubt(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Unknown => true,
        Outcome::Refused { code } => code == CONFLICT,
        Outcome::Done | Outcome::AlreadySo | Outcome::NotTried { .. } => false,
    }
}

/// What an outcome in doubt comes to, once the remote record was read. What cannot be seen to be done stays unknown, since
/// an abandoned call may still commit; a conflict without effect may be tried again.
pub(crate) fn settled(outcome: &Outcome, as_wanted: bool) -> Outcome {
    match (outcome, as_wanted) {
        (Outcome::Unknown | Outcome::Refused { .. }, true) => Outcome::Done,
        (Outcome::Refused { code }, false) if code == CONFLICT => {
            not_tried("Moodle's database refused the write; another writer may have been at work")
        }
        (other, _) => other.clone(),
    }
}
