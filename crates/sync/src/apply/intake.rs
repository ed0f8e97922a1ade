//! A cleared plan of intake → accounts and enrolments in Moodle.
//!
//! People are split into parts that share nobody, several at a time: each part makes its accounts, then its enrolments.
//! When all parts are done, suspensions follow: additions before removals.

use super::send::{Gate, send_accounts, send_enrolments, send_suspensions};
use futures_util::stream::{self, StreamExt};
use rollbook_core::guard::Cleared;
use rollbook_core::model::{Fingerprint, Guid, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::{EnrolChange, IntakeChange, IntakePlan, NewAccount, SuspendChange, Who};
use rollbook_core::run::{Outcome, Verdict, verdict_of};
use rollbook_journal::Lease;
use rollbook_moodle::client::{Function, MoodleReader, MoodleWriter};
use rollbook_moodle::snapshot::Preflight;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What became of one record, once it was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The record.
    pub record: Fingerprint,
    /// What became of it.
    pub verdict: Verdict,
    /// The account, where there is one.
    pub user: Option<MoodleUserId>,
    /// The course.
    pub course: MoodleCourseId,
}

/// What applying needs.
pub struct Intake<'a> {
    /// The half of the client that reads, for settling.
    pub reader: &'a MoodleReader,
    /// The half that writes.
    pub writer: &'a MoodleWriter,
    /// Proof that the token sees enough.
    pub preflight: &'a Preflight,
    /// Proof that the link is ours now.
    pub lease: &'a Lease,
    /// Parts under way at the same time, at least 1.
    pub concurrency: usize,
    /// Asks to stop: what was not sent by then is not sent.
    pub stop: &'a CancellationToken,
}

/// People who share nobody with another part.
struct Part<'a> {
    accounts: Vec<&'a NewAccount>,
    enrolments: Vec<&'a EnrolChange>,
}

/// Applies the plan; `report` gets what became of each record as soon as its part is done, in bundles. When the receiver
/// is gone nothing further is sent. Gives how many accounts were made.
pub async fn apply_intake(cleared: &Cleared<IntakePlan>, with: &Intake<'_>, report: mpsc::Sender<Vec<Applied>>) -> u64 {
    let _ = (with.preflight, with.lease);
    let gate = Gate::new(with.stop, &report);
    let parts = split(&cleared.plan().changes, with);
    let made = stream::iter(parts)
        .map(|part| apply_part(part, with, &gate))
        .buffer_unordered(with.concurrency.max(1))
        .collect::<Vec<u64>>()
        .await;
    let suspensions: Vec<&SuspendChange> = cleared.plan().changes.iter().filter_map(as_suspension).collect();
    let batches = suspensions.chunks(with.writer.client().items_max(Function::Enrol));
    stream::iter(batches).for_each_concurrent(with.concurrency.max(1), |batch| suspend(batch, with, &gate)).await;
    made.into_iter().sum()
}

fn as_suspension(change: &IntakeChange) -> Option<&SuspendChange> {
    match change {
        IntakeChange::Suspend(suspend) => Some(suspend),
        IntakeChange::CreateAccount(_) | IntakeChange::Enrol(_) => None,
    }
}

/// Splits accounts and enrolments into parts by person, so that no two calls ever touch one person at once.
fn split<'a>(changes: &'a [IntakeChange], with: &Intake<'_>) -> Vec<Part<'a>> {
    let mut enrolments = BTreeMap::<&Who, Vec<&EnrolChange>>::new();
    let mut accounts = Vec::new();
    for change in changes {
        match change {
            IntakeChange::CreateAccount(account) => accounts.push(account),
            IntakeChange::Enrol(enrol) => enrolments.entry(&enrol.who).or_default().push(enrol),
            IntakeChange::Suspend(_) => {}
        }
    }
    let client = with.writer.client();
    // Parts of equal size, as many as there are calls at a time or a multiple of it: the last round is as full as the first.
    let share = |count: usize, most: usize| {
        let at_once = with.concurrency.max(1);
        let rounds = count.div_ceil(most.max(1) * at_once).max(1);
        count.div_ceil(rounds * at_once).clamp(1, most.max(1))
    };
    let mut parts = Vec::new();
    for accounts in accounts.chunks(share(accounts.len(), client.items_max(Function::CreateUsers))) {
        let theirs = accounts.iter().filter_map(|account| enrolments.remove(&Who::New(account.guid.clone()))).flatten();
        parts.push(Part { enrolments: theirs.collect(), accounts: accounts.to_vec() });
    }
    let count = enrolments.values().map(Vec::len).sum();
    let most = share(count, client.items_max(Function::Enrol));
    let mut part = Part { accounts: Vec::new(), enrolments: Vec::new() };
    for theirs in enrolments.into_values() {
        if !part.enrolments.is_empty() && part.enrolments.len() + theirs.len() > most {
            parts.push(std::mem::replace(&mut part, Part { accounts: Vec::new(), enrolments: Vec::new() }));
        }
        part.enrolments.extend(theirs);
    }
    if !part.enrolments.is_empty() {
        parts.push(part);
    }
    parts
}

async fn apply_part(part: Part<'_>, with: &Intake<'_>, gate: &Gate<'_>) -> u64 {
    let accounts = send_accounts(&part.accounts, with, gate).await;
    let made = accounts.iter().filter(|(_, outcome)| matches!(outcome, Ok((_, true)))).count() as u64;
    let ids: BTreeMap<&Guid, &Result<(MoodleUserId, bool), Outcome>> =
        part.accounts.iter().map(|account| &account.guid).zip(accounts.iter().map(|(_, outcome)| outcome)).collect();
    let mut applied = Vec::new();
    let mut ready = Vec::new();
    for change in &part.enrolments {
        match who(change, &ids) {
            Ok(user) => ready.push((*change, user)),
            Err(outcome) => applied.push(without_account(change, &outcome, &part.accounts)),
        }
    }
    // In one order everywhere, so that two calls never wait for each other in Moodle's database.
    ready.sort_by_key(|(change, user)| (change.course, *user));
    let outcomes = send_enrolments(&ready, with, gate).await;
    for ((change, user), outcome) in ready.iter().zip(outcomes) {
        let verdict = verdict_of(&IntakeChange::Enrol((*change).clone()), &outcome);
        applied.extend(verdict.map(|verdict| Applied {
            record: change.record,
            verdict,
            user: Some(*user),
            course: change.course,
        }));
    }
    gate.report(applied).await;
    made
}

fn who(
    change: &EnrolChange,
    ids: &BTreeMap<&Guid, &Result<(MoodleUserId, bool), Outcome>>,
) -> Result<MoodleUserId, Outcome> {
    match &change.who {
        Who::Account(id) => Ok(*id),
        Who::New(guid) => match ids.get(guid) {
            Some(Ok((id, _))) => Ok(*id),
            Some(Err(outcome)) => Err(outcome.clone()),
            None => Err(Outcome::NotTried { why: "the plan makes no account for this person".to_owned() }),
        },
    }
}

/// An enrolment whose account could not be made: what became of the account is what became of the record.
fn without_account(change: &EnrolChange, outcome: &Outcome, accounts: &[&NewAccount]) -> Applied {
    let account = accounts.iter().find(|account| change.who == Who::New(account.guid.clone()));
    let verdict = account.and_then(|account| verdict_of(&IntakeChange::CreateAccount((*account).clone()), outcome));
    let verdict = verdict.unwrap_or_else(|| Verdict::NotTried { why: "its account was not made".into() });
    Applied { record: change.record, verdict, user: None, course: change.course }
}

async fn suspend(batch: &[&SuspendChange], with: &Intake<'_>, gate: &Gate<'_>) {
    let outcomes = send_suspensions(batch, with, gate).await;
    let applied = batch.iter().zip(outcomes).filter_map(|(change, outcome)| {
        let verdict = match outcome {
            Ok(outcome) => verdict_of(&IntakeChange::Suspend((*change).clone()), &outcome)?,
            Err(verdict) => verdict,
        };
        Some(Applied { record: change.record, verdict, user: Some(change.user), course: change.course })
    });
    gate.report(applied.collect()).await;
}
