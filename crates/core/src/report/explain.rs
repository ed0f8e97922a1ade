//! "Why is Jane (not) in this course, and does HR know that she finished?": the answer first, then the chain behind it.

use crate::model::{EnrolState, Enrolment, Fingerprint, MoodleUserId};
use crate::verdict::{OutcomeCode, Standing, standing};
use jiff::Timestamp;
use serde::Serialize;

/// One feed record about the person and course, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordStory {
    /// The record.
    pub record: Fingerprint,
    /// The feed's word for what it wants.
    pub wants: String,
    /// When the ELM wrote it, as the feed says.
    pub written: String,
    /// When Rollbook stored it.
    pub first_seen: Timestamp,
    /// What became of it.
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
    /// When it was settled.
    pub settled: Option<Timestamp>,
    /// The last answer, in the other side's words.
    pub answer: String,
    /// How often it was tried.
    pub attempts: u64,
}

/// What Moodle says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NowInMoodle {
    /// It was not asked, or did not answer.
    NotAsked,
    /// No account has the GUID.
    NoAccount,
    /// Several accounts have it.
    SeveralAccounts(Vec<MoodleUserId>),
    /// No course, or several, has the id number.
    NoCourse,
    /// How the account stands in the course.
    Stands {
        /// The account.
        account: MoodleUserId,
        /// How it stands.
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
    /// What Moodle says now.
    pub now: NowInMoodle,
}

/// One step of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
}

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

/// Explains how a person stands in a course.
pub fn explain(known: &Known) -> Explanation {
    let newest = known.records.iter().rev().find(|record| counts(record.code)).or(known.records.last());
    Explanation {
        answer: answer(known),
        because: newest.map_or_else(
            || "The feed has not said anything about this person and course.".to_owned(),
            |record| format!("The feed's {} of {}: {}.", record.wants, record.written, record.reason),
        ),
        completion: completion(&known.delivered),
        next: newest.map(next).unwrap_or_default(),
        chain: chain(known),
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

fn completion(delivered: &[Delivered]) -> String {
    let Some(report) = delivered.iter().rev().find(|item| item.kind == "completion") else {
        return "No completion is known.".to_owned();
    };
    match report.state.as_str() {
        "sent" => "The completion was reported, and the ELM accepted it.".to_owned(),
        "refused" => format!("The completion was reported, and the ELM refused it: {}", report.answer),
        "unknown" => {
            "The completion was reported, and no answer came: it is looked up before it is sent again.".to_owned()
        }
        "cancelled" => "The completion shall not be reported, by a person's decision.".to_owned(),
        _ => format!("The completion is not reported yet; it was tried {} times.", report.attempts),
    }
}

fn next(record: &RecordStory) -> String {
    match (standing(record.code), record.next_try) {
        (Standing::Settled, _) => String::new(),
        (Standing::Transient | Standing::Awaited, Some(at)) => format!("It is tried again from {at:.0} on."),
        (Standing::Transient | Standing::Awaited, None) => "It is tried again by the next run.".to_owned(),
        (Standing::Attention, _) => "It waits for a human: see `rollbook attention`.".to_owned(),
    }
}

fn chain(known: &Known) -> Vec<Moment> {
    let mut chain = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn record(wants: &str, code: OutcomeCode, reason: &str, minutes: i64) -> RecordStory {
        RecordStory {
            record: Fingerprint::of_bytes(&[wants, reason]),
            wants: wants.into(),
            written: "2026-11-23T09:00:00-08:00".into(),
            first_seen: at(minutes),
            code,
            reason: reason.into(),
            at: at(minutes + 1),
            attempts: 1,
            next_try: None,
        }
    }

    fn known(records: Vec<RecordStory>, now: NowInMoodle) -> Known {
        Known { person: "Jane Doe".into(), course: "Fire Safety".into(), records, delivered: Vec::new(), now }
    }

    #[test]
    fn answer_comes_from_moodle_and_the_reason_from_the_record_that_counts() {
        let records = vec![
            record("Enrol", OutcomeCode::Enrolled, "enrolled in the course", 1),
            record("Suspend", OutcomeCode::Suspended, "suspended in the course", 9),
            record("Enrol", OutcomeCode::Stale, "a newer state was applied before", 12),
        ];
        let now =
            NowInMoodle::Stands { account: MoodleUserId(7), enrolment: Enrolment::Suspended, site_suspended: false };
        let explained = explain(&known(records, now));
        assert_eq!(explained.answer, "Jane Doe is suspended in Fire Safety (account 7).");
        assert_eq!(explained.because, "The feed's Suspend of 2026-11-23T09:00:00-08:00: suspended in the course.");
        assert_eq!(explained.completion, "No completion is known.");
        assert_eq!(explained.chain.len(), 6);
        assert!(explained.chain.is_sorted_by_key(|moment| moment.at));
    }

    #[test]
    fn what_waits_says_for_what() {
        let waits = |code| explain(&known(vec![record("Enrol", code, "because", 1)], NowInMoodle::NoAccount)).next;
        assert_eq!(waits(OutcomeCode::MailMismatch), "It waits for a human: see `rollbook attention`.");
        assert_eq!(waits(OutcomeCode::CourseNotFound), "It is tried again by the next run.");
        assert_eq!(waits(OutcomeCode::Enrolled), "");
    }

    #[test]
    fn completion_says_whether_hr_knows() {
        let mut known = known(Vec::new(), NowInMoodle::NotAsked);
        known.delivered.push(Delivered {
            kind: "completion".into(),
            state: "refused".into(),
            created: at(1),
            settled: Some(at(2)),
            answer: "HTTP 400, no such enrolment".into(),
            attempts: 1,
        });
        let explained = explain(&known);
        assert_eq!(
            explained.completion,
            "The completion was reported, and the ELM refused it: HTTP 400, no such enrolment"
        );
        assert_eq!(explained.because, "The feed has not said anything about this person and course.");
    }
}
