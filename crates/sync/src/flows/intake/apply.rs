//! A cleared plan of intake → accounts and enrolments in Moodle.
//!
//! People are split into parts that share nobody, several at a time: each part makes its accounts, then its enrolments.
//! When all parts are done, suspensions follow: additions before removals.

use crate::engine::{Sender, Sent, in_doubt, not_tried, settled};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use rollbook_core::guard::Cleared;
use rollbook_core::model::{self, Fingerprint, Guid, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::{EnrolChange, IntakeChange, IntakePlan, NewAccount, SuspendChange, Who};
use rollbook_core::run::{Outcome, Verdict, verdict_of};
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, NewUser};
use rollbook_moodle::client::{Function, MoodleError, MoodleReader};
use rollbook_moodle::snapshot::{LISTED_FROM, Preflight, collect_enrolments, find_by_guid};
use std::collections::{BTreeMap, BTreeSet};

/// What became of one record, once it was applied.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Applied {
    /// The record.
    pub record: Fingerprint,
    /// What became of it.
    pub verdict: Verdict,
    /// The account, where there is one.
    pub user: Option<MoodleUserId>,
    /// The course.
    pub course: MoodleCourseId,
}

/// People who share nobody with another part.
struct Part<'a> {
    accounts: Vec<&'a NewAccount>,
    enrolments: Vec<&'a EnrolChange>,
}

/// Applies the plan; what became of each record is reported as soon as its part is done. Gives how many accounts were made.
/// The preflight is the proof that the token sees enough; `now` is when new enrolments begin.
pub(super) async fn apply_intake(
    cleared: &Cleared<IntakePlan>,
    _: &Preflight,
    now: Timestamp,
    sender: Sender<'_, Applied>,
) -> u64 {
    let made = stream::iter(split(&cleared.plan().changes, &sender))
        .map(|part| apply_part(part, now, &sender))
        .buffer_unordered(sender.concurrency)
        .collect::<Vec<u64>>()
        .await;
    let suspensions: Vec<&SuspendChange> = cleared.plan().changes.iter().filter_map(as_suspension).collect();
    let batches = suspensions.chunks(sender.items_max(Function::Enrol));
    stream::iter(batches).for_each_concurrent(sender.concurrency, |batch| suspend(batch, now, &sender)).await;
    made.into_iter().sum()
}

fn as_suspension(change: &IntakeChange) -> Option<&SuspendChange> {
    match change {
        IntakeChange::Suspend(suspend) => Some(suspend),
        IntakeChange::CreateAccount(_) | IntakeChange::Enrol(_) => None,
    }
}

/// Splits accounts and enrolments into parts by person, so that no two calls ever touch one person at once.
fn split<'a>(changes: &'a [IntakeChange], sender: &Sender<'_, Applied>) -> Vec<Part<'a>> {
    let mut enrolments = BTreeMap::<&Who, Vec<&EnrolChange>>::new();
    let mut accounts = Vec::new();
    for change in changes {
        match change {
            IntakeChange::CreateAccount(account) => accounts.push(account),
            IntakeChange::Enrol(enrol) => enrolments.entry(&enrol.who).or_default().push(enrol),
            IntakeChange::Suspend(_) => {}
        }
    }
    // Parts of equal size, as many as there are calls at a time or a multiple of it: the last round is as full as the first.
    let share = |count: usize, most: usize| {
        let at_once = sender.concurrency;
        let rounds = count.div_ceil(most.max(1) * at_once).max(1);
        count.div_ceil(rounds * at_once).clamp(1, most.max(1))
    };
    let mut parts = Vec::new();
    for accounts in accounts.chunks(share(accounts.len(), sender.items_max(Function::CreateUsers))) {
        let theirs = accounts.iter().filter_map(|account| enrolments.remove(&Who::New(account.guid.clone()))).flatten();
        parts.push(Part { enrolments: theirs.collect(), accounts: accounts.to_vec() });
    }
    let count = enrolments.values().map(Vec::len).sum();
    let most = share(count, sender.items_max(Function::Enrol));
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

async fn apply_part(part: Part<'_>, now: Timestamp, sender: &Sender<'_, Applied>) -> u64 {
    let accounts = send_accounts(&part.accounts, sender).await;
    let made = accounts.iter().filter(|(_, outcome)| matches!(outcome, Ok((_, true)))).count() as u64;
    let ids: BTreeMap<&Guid, &AccountOutcome> =
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
    let outcomes = send_enrolments(&ready, now, sender).await;
    for ((change, user), outcome) in ready.iter().zip(outcomes) {
        let verdict = verdict_of(&IntakeChange::Enrol((*change).clone()), &outcome);
        applied.extend(verdict.map(|verdict| Applied {
            record: change.record,
            verdict,
            user: Some(*user),
            course: change.course,
        }));
    }
    sender.report(applied).await;
    made
}

fn who(change: &EnrolChange, ids: &BTreeMap<&Guid, &AccountOutcome>) -> Result<MoodleUserId, Outcome> {
    match &change.who {
        Who::Account(id) => Ok(*id),
        Who::New(guid) => match ids.get(guid) {
            Some(Ok((id, _))) => Ok(*id),
            Some(Err(outcome)) => Err(outcome.clone()),
            None => Err(not_tried("the plan makes no account for this person")),
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

async fn suspend(batch: &[&SuspendChange], now: Timestamp, sender: &Sender<'_, Applied>) {
    let outcomes = send_suspensions(batch, now, sender).await;
    let applied = batch.iter().zip(outcomes).filter_map(|(change, outcome)| {
        let verdict = match outcome {
            Ok(outcome) => verdict_of(&IntakeChange::Suspend((*change).clone()), &outcome)?,
            Err(verdict) => verdict,
        };
        Some(Applied { record: change.record, verdict, user: Some(change.user), course: change.course })
    });
    sender.report(applied.collect()).await;
}

/// The account's id and whether it was made just now, or what became of the try.
type AccountOutcome = Result<(MoodleUserId, bool), Outcome>;

/// Makes accounts; the outcomes come in the order of `accounts`.
async fn send_accounts<'a>(
    accounts: &[&'a NewAccount],
    sender: &Sender<'_, Applied>,
) -> Vec<(&'a NewAccount, AccountOutcome)> {
    let users: Vec<NewUser> = accounts.iter().map(|account| to_wire(account)).collect();
    let outcomes = sender.send(&users, Function::CreateUsers, |part| sender.writer.create_users(part)).await;
    let mut outcomes: Vec<AccountOutcome> =
        outcomes.into_iter().map(|sent| sent.into_result().map(|(id, _)| (id, true))).collect();
    settle_accounts(accounts, &mut outcomes, &sender.reader).await;
    accounts.iter().copied().zip(outcomes).collect()
}

/// Makes enrolments active; the outcomes come in the order of `changes`.
async fn send_enrolments(
    changes: &[(&EnrolChange, MoodleUserId)],
    now: Timestamp,
    sender: &Sender<'_, Applied>,
) -> Vec<Outcome> {
    let wire: Vec<Enrolment> = changes
        .iter()
        .map(|(change, user)| {
            let (time_start, time_end) = change.dates.at(now);
            let (role, user, course) = (change.role, *user, change.course);
            Enrolment { role, user, course, state: EnrolmentState::Active, time_start, time_end }
        })
        .collect();
    let outcomes = sender.send(&wire, Function::Enrol, |part| enrol_whole(part, sender)).await;
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(Sent::into_outcome).collect();
    let pairs: Vec<_> = changes.iter().map(|(change, user)| (*user, change.course)).collect();
    settle_enrolments(&pairs, false, &mut outcomes, &sender.reader).await;
    outcomes
}

/// Enrols, and looks whether the last one is there: Moodle answers a batch that lost its tail on the way as it answers a whole
/// one.
async fn enrol_whole(part: &[Enrolment], sender: &Sender<'_, Applied>) -> Result<Vec<()>, MoodleError> {
    let done = sender.writer.enrol(part).await?;
    let Some(last) = part.last() else {
        return Ok(done);
    };
    let seen = sender.reader.fetch_users_courses(last.user).await;
    if seen.is_ok_and(|courses| courses.iter().any(|course| course.id == last.course)) {
        return Ok(done);
    }
    Err(MoodleError::Unknown { why: "the last enrolment of the batch is not to be seen".to_owned() })
}

/// Suspends, and looks afterwards whether it helped; the outcomes come in the order of `changes`.
async fn send_suspensions(
    changes: &[&SuspendChange],
    now: Timestamp,
    sender: &Sender<'_, Applied>,
) -> Vec<Result<Outcome, Verdict>> {
    let wire: Vec<Enrolment> = changes
        .iter()
        .map(|change| {
            let (time_start, time_end) = change.dates.at(now);
            let SuspendChange { role, user, course, .. } = **change;
            Enrolment { role, user, course, state: EnrolmentState::Suspended, time_start, time_end }
        })
        .collect();
    let outcomes = sender.send(&wire, Function::Enrol, |part| sender.writer.enrol(part)).await;
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(Sent::into_outcome).collect();
    let pairs: Vec<_> = changes.iter().map(|change| (change.user, change.course)).collect();
    let still_active = settle_enrolments(&pairs, true, &mut outcomes, &sender.reader).await;
    outcomes
        .into_iter()
        .zip(still_active)
        .map(|(outcome, still)| if still && outcome == Outcome::Done { Err(Verdict::StillActive) } else { Ok(outcome) })
        .collect()
}

fn to_wire(account: &NewAccount) -> NewUser {
    let NewAccount { guid, username, mail, first_name, last_name, auth } = account;
    let mut user = NewUser::new(username, first_name, last_name, mail.as_str(), guid.clone());
    user.auth.clone_from(auth);
    user
}

/// Looks whether accounts that were refused or left unanswered are there.
async fn settle_accounts(accounts: &[&NewAccount], outcomes: &mut [AccountOutcome], reader: &MoodleReader) {
    // A refusal may mean that somebody made the account meanwhile.
    let in_doubt = |outcome: &AccountOutcome| matches!(outcome, Err(Outcome::Unknown | Outcome::Refused { .. }));
    let guids = accounts
        .iter()
        .zip(outcomes.iter())
        .filter(|(_, outcome)| in_doubt(outcome))
        .map(|(account, _)| account.guid.clone());
    let guids: Vec<_> = guids.collect();
    if guids.is_empty() {
        return;
    }
    let Ok(directory) = find_by_guid(reader, &guids).await else {
        return;
    };
    for (account, outcome) in accounts.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| in_doubt(outcome)) {
        let there = directory.with_guid(&account.guid.folded()).unwrap_or_default();
        if let [found] = there.as_slice()
            && account.mail.same_as(&found.mail)
        {
            *outcome = Ok((found.id, *outcome == Err(Outcome::Unknown)));
        }
    }
}

/// Looks whether enrolments in doubt are as they should be. For suspensions it looks at those that went well too, since PHP
/// may have dropped the tail of the batch in silence, and says who is still active; what cannot be seen is not known.
async fn settle_enrolments(
    pairs: &[(MoodleUserId, MoodleCourseId)],
    suspending: bool,
    outcomes: &mut [Outcome],
    reader: &MoodleReader,
) -> Vec<bool> {
    let is_asked = |outcome: &Outcome| in_doubt(outcome) || (suspending && *outcome == Outcome::Done);
    let asked = pairs.iter().zip(outcomes.iter()).filter(|(_, outcome)| is_asked(outcome)).map(|(pair, _)| *pair);
    let asked: BTreeSet<_> = asked.collect();
    let seen = match asked.is_empty() {
        true => BTreeMap::new(),
        false => collect_enrolments(reader, &asked, LISTED_FROM).await.map(|(seen, _)| seen).unwrap_or_default(),
    };
    let settle = |(pair, outcome): (&(MoodleUserId, MoodleCourseId), &mut Outcome)| {
        if !is_asked(outcome) {
            return false;
        }
        let Some(state) = seen.get(pair) else {
            if *outcome == Outcome::Done {
                *outcome = Outcome::Unknown;
            }
            return false;
        };
        let active = state.state == model::Enrolment::Active;
        *outcome = settled(outcome, active != suspending);
        active && suspending
    };
    pairs.iter().zip(outcomes.iter_mut()).map(settle).collect()
}
