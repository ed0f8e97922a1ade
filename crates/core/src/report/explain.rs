//! "Why is Jane (not) in this course, and does HR know that she finished?": the answer first, then the chain behind it.

use super::count;
use crate::model::{EnrolState, Enrolment, Fingerprint, MoodleUserId};
use crate::verdict::{Disposition, OutcomeCode, disposition};
use jiff::Timestamp;
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
            let wants = record.code.fixes_state().then(|| EnrolState::read(&record.wants)).flatten();
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
                Enrolment::NotActive | Enrolment::Inactive => "is not active in",
                Enrolment::NotStarted => "is enrolled from a later day on in",
            };
            format!("{person} {how} {course} (account {account}){barred}.")
        }
        NowInMoodle::NotAsked => match records.iter().rev().find(|record| record.code.fixes_state()) {
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
    let words = match (disposition(record.code), record.next_try) {
        (Disposition::Settled, _) => return String::new(),
        (_, Some(at)) if record.code == OutcomeCode::Planned => {
            format!("It is done on {at:.0}, unless HR takes it back.")
        }
        (Disposition::Transient | Disposition::Awaited, Some(at)) => format!("It is tried again from {at:.0} on."),
        (Disposition::Transient | Disposition::Awaited, None) => "It is tried again by the next run.".to_owned(),
        (Disposition::Attention, _) => "It waits for a human.".to_owned(),
    };
    match advice(record.code) {
        Some(advice) => format!("{words} {advice}"),
        None => words,
    }
}

// What is known of a person and a course: what [`super::explain`] folds.

/// One feed record about the person and course, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordStory {
    pub record: Fingerprint,
    /// The feed's word for what it wants.
    pub wants: String,
    /// When the ELM wrote it, as the feed says.
    pub written: String,
    pub first_seen: Timestamp,
    pub code: OutcomeCode,
    /// Why, in words.
    pub reason: String,
    /// When that was decided last.
    pub at: Timestamp,
    /// How often it was decided or tried.
    pub attempts: u64,
    /// When it is tried again.
    pub next_try: Option<Timestamp>,
}

/// Something that was to leave: a welcome mail, or a completion to the ELM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// `mail` or `completion`.
    pub kind: String,
    /// `due`, `sending`, `sent`, `refused`, `unknown`, `cancelled`.
    pub state: String,
    /// When it was made due.
    pub created: Timestamp,
    pub settled: Option<Timestamp>,
    /// The last answer, in the other side's words.
    pub answer: String,
    /// How often it was tried.
    pub attempts: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NowInMoodle {
    /// It was not asked, or did not answer.
    NotAsked,
    /// No account has the GUID.
    NoAccount,
    SeveralAccounts(Vec<MoodleUserId>),
    /// No course, or several, has the id number.
    NoCourse,
    /// How the account stands in the course.
    Stands {
        account: MoodleUserId,
        enrolment: Enrolment,
        /// Suspended for the whole site.
        site_suspended: bool,
    },
}

/// What is known of a person and a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The person, for people.
    pub person: String,
    /// The course, for people.
    pub course: String,
    /// The feed's records, oldest first.
    pub records: Vec<RecordStory>,
    /// What was to leave, oldest first.
    pub delivered: Vec<Delivered>,
    pub now: NowInMoodle,
}

/// What may be known besides; nothing of it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The newest state that was applied; it stays when the records are gone.
    pub applied: Option<Applied>,
    /// What runs and people did, in words.
    pub events: Vec<Moment>,
    /// Whether the person has finished the course.
    pub finished: Finished,
    /// Whether completions of the course are reported.
    pub reporting: Reporting,
}

/// A state that an earlier run applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    pub state: EnrolState,
    pub changed: Timestamp,
}

/// Whether somebody has finished a course, as Moodle says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finished {
    #[default]
    NotAsked,
    /// Not, or not yet.
    NotYet,
    At(Timestamp),
}

/// Whether completions of a course are reported to the ELM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporting {
    #[default]
    NotAsked,
    /// The course has opted in.
    On,
    /// The course has not opted in.
    Off,
}

// What happened, one moment a line, oldest first.

/// One step of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub at: Timestamp,
    pub what: String,
}

/// All that is known to have happened, oldest first.
pub(super) fn chain(known: &Known, events: &[Moment]) -> Vec<Moment> {
    let mut chain = events.to_vec();
    for record in &known.records {
        let RecordStory { record: id, wants, written, first_seen, reason, at, attempts, code, next_try: _ } = record;
        chain.push(Moment {
            at: *first_seen,
            what: format!("the feed gave {wants}, written {written} ({})", &id.to_hex()[..12]),
        });
        if *code != OutcomeCode::Received {
            let tries = if *attempts > 1 { format!(" (try {attempts})") } else { String::new() };
            chain.push(Moment { at: *at, what: format!("{}: {reason}{tries}", code.as_str().replace('_', " ")) });
        }
    }
    for item in &known.delivered {
        let what = if item.kind == "mail" { "the welcome mail" } else { "the completion" };
        chain.push(Moment { at: item.created, what: format!("{what} became due") });
        if let Some(settled) = item.settled {
            chain.push(Moment {
                at: settled,
                what: format!("{what}: {}", [item.state.as_str(), item.answer.as_str()].join(", ")),
            });
        }
    }
    chain.sort_by_key(|moment| moment.at);
    chain
}

// The second half of the answer: does HR know that the person finished?

/// Whether HR knows about a completion, in one or two sentences.
pub(super) fn completion(delivered: &[Delivered], circumstances: &Circumstances) -> String {
    let report = delivered.iter().rev().find(|item| item.kind == "completion");
    match (report, circumstances.finished) {
        (None, Finished::NotAsked) => "No completion is known.".to_owned(),
        (None, Finished::NotYet) => "The course is not completed, so there is nothing to tell HR.".to_owned(),
        (None, Finished::At(at)) => unreported(at, circumstances.reporting),
        (Some(report), Finished::At(at)) if report.created < at => {
            format!("{} {}", reported(report), unreported(at, circumstances.reporting))
        }
        (Some(report), _) => reported(report),
    }
}

fn reported(report: &Delivered) -> String {
    match report.state.as_str() {
        "sent" => "The completion was reported, and the ELM accepted it.".to_owned(),
        "refused" => format!("The completion was reported, and the ELM refused it: {}", report.answer),
        "unknown" => {
            "The completion was reported, and no answer came: it is looked up before it is sent again.".to_owned()
        }
        "cancelled" => "The completion shall not be reported, by a person's decision.".to_owned(),
        _ => format!("The completion is not reported yet; it was tried {}.", count(report.attempts, "time")),
    }
}

fn unreported(at: Timestamp, reporting: Reporting) -> String {
    let why = match reporting {
        Reporting::Off => "completions of this course are not reported",
        Reporting::On | Reporting::NotAsked => "no report of it is due",
    };
    format!("HR does not know of the completion of {at:.0}: {why}.")
}

// What a person can do about a record that does not go through.

/// The next step for a person, as an instruction; nothing where none is needed.
pub fn advice(code: OutcomeCode) -> Option<&'static str> {
    code.entry().remedy
}
