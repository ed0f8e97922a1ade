//! Batches to Moodle: halved when refused, settled when unanswered, stopped when the site is gone or a stop is asked for.

use super::intake::{Applied, Intake};
use super::settle::{settle_accounts, settle_enrolments};
use rollbook_core::model::{self, MoodleUserId};
use rollbook_core::plan::{EnrolChange, NewAccount, SuspendChange};
use rollbook_core::run::{Outcome, Verdict};
use rollbook_moodle::client::batch::{ItemOutcome, send_halving};
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, NewUser};
use rollbook_moodle::client::{Function, MoodleError};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// After so many batches without an answer the site counts as gone.
const SILENCES_MAX: u32 = 3;

/// Whether anything further may be sent, and where what became of things is told.
pub(super) struct Gate<'a> {
    stop: &'a CancellationToken,
    report: &'a mpsc::Sender<Vec<Applied>>,
    silences: AtomicU32,
    shut: Mutex<Option<String>>,
}

impl<'a> Gate<'a> {
    pub(super) fn new(stop: &'a CancellationToken, report: &'a mpsc::Sender<Vec<Applied>>) -> Self {
        Self { stop, report, silences: AtomicU32::new(0), shut: Mutex::new(None) }
    }

    /// Why nothing further may be sent; `None` while it may.
    fn closed(&self) -> Option<String> {
        if self.stop.is_cancelled() {
            return Some("the run was asked to stop".to_owned());
        }
        if self.report.is_closed() {
            return Some("the journal cannot be written".to_owned());
        }
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns from how a batch ended.
    fn learn<R>(&self, outcomes: &[ItemOutcome<R>]) {
        let mut silent = false;
        for outcome in outcomes {
            match outcome {
                ItemOutcome::Done(_) => self.silences.store(0, Ordering::Relaxed),
                ItemOutcome::Unknown(_) => silent = true,
                ItemOutcome::NotTried(error) => self.shut(error.to_string()),
                ItemOutcome::Refused(_) => {}
            }
        }
        if silent && self.silences.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCES_MAX {
            self.shut(format!("Moodle left {SILENCES_MAX} calls without an answer"));
        }
    }

    fn shut(&self, why: String) {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    /// Tells what became of records. When nobody listens any more, the gate is closed.
    pub(super) async fn report(&self, applied: Vec<Applied>) {
        if !applied.is_empty() {
            let _ = self.report.send(applied).await;
        }
    }
}

/// The account's id and whether it was made just now, or what became of the try.
pub(super) type AccountOutcome = Result<(MoodleUserId, bool), Outcome>;

/// Makes accounts; the outcomes come in the order of `accounts`.
pub(super) async fn send_accounts<'a>(
    accounts: &[&'a NewAccount],
    with: &Intake<'_>,
    gate: &Gate<'_>,
) -> Vec<(&'a NewAccount, AccountOutcome)> {
    let users: Vec<NewUser> = accounts.iter().map(|account| to_wire(account)).collect();
    let outcomes = send(&users, Function::CreateUsers, with, gate, |part| with.writer.create_users(part)).await;
    let mut outcomes: Vec<AccountOutcome> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Sent::Done((id, _)) => Ok((id, true)),
            Sent::Not(outcome) => Err(outcome),
        })
        .collect();
    settle_accounts(accounts, &mut outcomes, with.reader).await;
    accounts.iter().copied().zip(outcomes).collect()
}

/// Makes enrolments active; the outcomes come in the order of `changes`.
pub(super) async fn send_enrolments(
    changes: &[(&EnrolChange, MoodleUserId)],
    with: &Intake<'_>,
    gate: &Gate<'_>,
) -> Vec<Outcome> {
    let wire: Vec<Enrolment> = changes
        .iter()
        .map(|(change, user)| Enrolment {
            role: change.role,
            user: *user,
            course: change.course,
            state: EnrolmentState::Active,
            time_start: None,
            time_end: None,
        })
        .collect();
    let outcomes = send(&wire, Function::Enrol, with, gate, |part| enrol_whole(part, with)).await;
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(Sent::into_outcome).collect();
    let pairs: Vec<_> = changes.iter().map(|(change, user)| (*user, change.course)).collect();
    settle_enrolments(&pairs, model::Enrolment::Active, &mut outcomes, with.reader).await;
    outcomes
}

/// Enrols, and looks whether the last one is there: Moodle answers a batch that lost its tail on the way as it answers a whole
/// one.
async fn enrol_whole(part: &[Enrolment], with: &Intake<'_>) -> Result<Vec<()>, MoodleError> {
    let done = with.writer.enrol(part).await?;
    let Some(last) = part.last() else {
        return Ok(done);
    };
    let seen = with.reader.fetch_users_courses(last.user).await;
    if seen.is_ok_and(|courses| courses.iter().any(|course| course.id == last.course)) {
        return Ok(done);
    }
    Err(MoodleError::Unknown { why: "the last enrolment of the batch is not to be seen".to_owned() })
}

/// Suspends, and looks afterwards whether it helped; the outcomes come in the order of `changes`.
pub(super) async fn send_suspensions(
    changes: &[&SuspendChange],
    with: &Intake<'_>,
    gate: &Gate<'_>,
) -> Vec<Result<Outcome, Verdict>> {
    let wire: Vec<Enrolment> = changes
        .iter()
        .map(|change| Enrolment {
            role: change.role,
            user: change.user,
            course: change.course,
            state: EnrolmentState::Suspended,
            time_start: None,
            time_end: None,
        })
        .collect();
    let outcomes = send(&wire, Function::Enrol, with, gate, |part| with.writer.enrol(part)).await;
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(Sent::into_outcome).collect();
    let pairs: Vec<_> = changes.iter().map(|change| (change.user, change.course)).collect();
    let still_active = settle_enrolments(&pairs, model::Enrolment::Suspended, &mut outcomes, with.reader).await;
    outcomes
        .into_iter()
        .zip(still_active)
        .map(|(outcome, still)| if still && outcome == Outcome::Done { Err(Verdict::StillActive) } else { Ok(outcome) })
        .collect()
}

/// What became of one item, before it is settled.
enum Sent<R> {
    Done(R),
    Not(Outcome),
}

impl<R> Sent<R> {
    fn into_outcome(self) -> Outcome {
        match self {
            Self::Done(_) => Outcome::Done,
            Self::Not(outcome) => outcome,
        }
    }
}

/// Sends items in calls of at most what the function takes, as long as the gate is open.
async fn send<'i, I, R, F, Fut>(
    items: &'i [I],
    function: Function,
    with: &Intake<'_>,
    gate: &Gate<'_>,
    call: F,
) -> Vec<Sent<R>>
where
    F: Fn(&'i [I]) -> Fut,
    Fut: Future<Output = Result<Vec<R>, MoodleError>>,
{
    let mut sent = Vec::with_capacity(items.len());
    for batch in items.chunks(with.writer.client().items_max(function)) {
        if let Some(why) = gate.closed() {
            sent.extend(batch.iter().map(|_| Sent::Not(Outcome::NotTried { why: why.clone() })));
            continue;
        }
        let outcomes = send_halving(batch, batch.len() * 2, &call).await;
        gate.learn(&outcomes);
        sent.extend(outcomes.into_iter().map(judge));
    }
    sent
}

fn judge<R>(outcome: ItemOutcome<R>) -> Sent<R> {
    match outcome {
        ItemOutcome::Done(answer) => Sent::Done(answer),
        // Another writer at the same moment, a deadlock, or a value too long: Moodle says the same to all three.
        ItemOutcome::Refused(error) if error.is_conflict() => {
            Sent::Not(Outcome::Refused { code: "dmlwriteexception".to_owned() })
        }
        ItemOutcome::Refused(error) => {
            Sent::Not(Outcome::Refused { code: error.code().unwrap_or("refused").to_owned() })
        }
        ItemOutcome::Unknown(_) => Sent::Not(Outcome::Unknown),
        ItemOutcome::NotTried(error) => Sent::Not(Outcome::NotTried { why: error.to_string() }),
    }
}

fn to_wire(account: &NewAccount) -> NewUser {
    let NewAccount { guid, username, mail, first_name, last_name, auth } = account;
    let mut user = NewUser::new(username, first_name, last_name, mail.as_str(), guid.clone());
    user.auth.clone_from(auth);
    user
}
