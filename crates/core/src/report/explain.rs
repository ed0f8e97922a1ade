//! "Why is Jane (not) in this course, and does HR know that she finished?": the answer first, then the chain behind it.

use super::advice::advice;
use super::chain::{Moment, chain};
use super::completion::completion;
use super::known::{Circumstances, Known, NowInMoodle, RecordStory};
use crate::model::{EnrolState, Enrolment};
use crate::verdict::{Disposition, OutcomeCode, standing};
use serde::Serialize;

/// The answer, and the chain behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether the person is in the course, in one sentence.
    pub answer: String,
    /// Why, in one sentence.
    pub because: String,
    /// Whether HR knows about a completion, in one sentence.
    pub completion: String,
    /// What happens next, in one sentence; empty where nothing does.
    pub next: String,
    /// What happened, oldest first.
    pub chain: Vec<Moment>,
}

/// Explains how a person stands in a course, by records, deliveries and Moodle alone.
pub fn explain(known: &Known) -> Explanation {
    explain_with(known, &Circumstances::default())
}

/// Explains how a person stands in a course, by all that is known.
pub fn explain_with(known: &Known, circumstances: &Circumstances) -> Explanation {
    let newest = known.records.iter().rev().find(|record| counts(record.code)).or(known.records.last());
    Explanation {
        answer: answer(known),
        because: because(newest, known, circumstances),
        completion: completion(&known.delivered, circumstances),
        next: newest.map(next).unwrap_or_default(),
        chain: chain(known, &circumstances.events),
    }
}

fn because(newest: Option<&RecordStory>, known: &Known, circumstances: &Circumstances) -> String {
    let (reason, wants) = match (newest, circumstances.applied) {
        (Some(record), _) => {
            let wants = record.code.tells_state().then(|| EnrolState::read(&record.wants)).flatten();
            (format!("The feed's {} of {}: {}.", record.wants, record.written, record.reason), wants)
        }
        (None, Some(applied)) => {
            let (state, changed) = (applied.state, applied.changed);
            (format!("An earlier run applied the feed's {} of {changed:.0}.", state.as_str()), Some(state))
        }
        (None, None) => ("The feed has not said anything about this person and course.".to_owned(), None),
    };
    let changed_since = match (wants, is_active(&known.now)) {
        (Some(EnrolState::Enrol), Some(active)) => !active,
        (Some(EnrolState::Suspend), Some(active)) => active,
        (None, _) | (_, None) => false,
    };
    if changed_since { format!("{reason} Somebody or something else has changed it since.") } else { reason }
}

/// Whether the person can be said to be active in the course.
fn is_active(now: &NowInMoodle) -> Option<bool> {
    match now {
        NowInMoodle::NotAsked | NowInMoodle::SeveralAccounts(_) | NowInMoodle::NoCourse => None,
        NowInMoodle::NoAccount => Some(false),
        NowInMoodle::Stands { enrolment, account: _, site_suspended: _ } => Some(*enrolment == Enrolment::Active),
    }
}

/// Whether a record says something of its own, rather than that another one counts.
fn counts(code: OutcomeCode) -> bool {
    !matches!(code, OutcomeCode::Superseded | OutcomeCode::Stale | OutcomeCode::Ignored)
}

fn answer(known: &Known) -> String {
    let Known { person, course, records, now, .. } = known;
    match now {
        NowInMoodle::NoAccount => format!("{person} has no Moodle account, and so is not in {course}."),
        NowInMoodle::SeveralAccounts(accounts) => {
            let ids: Vec<String> = accounts.iter().map(ToString::to_string).collect();
            format!("{person} cannot be told apart: Moodle accounts {} have this GUID.", ids.join(" and "))
        }
        NowInMoodle::NoCourse => format!("{person} is not in {course}: Moodle has no such course, or more than one."),
        NowInMoodle::Stands { account, enrolment, site_suspended } => {
            let barred = if *site_suspended { ", but the account is suspended for the whole site" } else { "" };
            let how = match enrolment {
                Enrolment::Active => "is in",
                Enrolment::Suspended => "is suspended in",
                Enrolment::Absent => "is not in",
                Enrolment::NotActive => "is not active in",
            };
            format!("{person} {how} {course} (account {account}){barred}.")
        }
        NowInMoodle::NotAsked => match records.iter().rev().find(|record| record.code.tells_state()) {
            Some(record) if record.wants == EnrolState::Enrol.as_str() => {
                format!("{person} was in {course} when last looked at.")
            }
            Some(_) => format!("{person} was not active in {course} when last looked at."),
            None => format!(
                "Whether {person} is in {course} is not known: nothing was done there, and Moodle was not asked."
            ),
        },
    }
}

fn next(record: &RecordStory) -> String {
    let words = match (standing(record.code), record.next_try) {
        (Disposition::Settled, _) => return String::new(),
        (Disposition::Transient | Disposition::Awaited, Some(at)) => format!("It is tried again from {at:.0} on."),
        (Disposition::Transient | Disposition::Awaited, None) => "It is tried again by the next run.".to_owned(),
        (Disposition::Attention, _) => "It waits for a human.".to_owned(),
    };
    match advice(record.code) {
        Some(advice) => format!("{words} {advice}"),
        None => words,
    }
}
