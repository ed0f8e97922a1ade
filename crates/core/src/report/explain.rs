//! Why is this person (not) in this course, and does HR know that they finished? The answer, then what it rests on.

use super::advice::advice;
use super::case::{Case, EventStory, MoodleAnswer, MoodleNow, OutboxKind, OutboxState, OutboxStory, RecordStory};
use super::summary::count;
use crate::model::{EnrolState, Enrolment};
use crate::plan::AppliedState;
use crate::run::{OutcomeCode, Standing, Step, Verdict, standing};
use jiff::Timestamp;
use serde::Serialize;

/// An answer and what it rests on; each line can stand alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer.
    pub answer: String,
    /// What a person can do, where something can be done.
    pub advice: Option<String>,
    /// What the feed said, newest first.
    pub feed: Vec<String>,
    /// What Moodle says now.
    pub moodle: Vec<String>,
    /// Mails and reports, newest first.
    pub outbox: Vec<String>,
    /// What was done, oldest first.
    pub history: Vec<String>,
}

impl Explanation {
    /// All of it, the answer first.
    pub fn lines(&self) -> Vec<String> {
        let Self { answer, advice, feed, moodle, outbox, history } = self;
        [answer].into_iter().chain(advice).chain(feed).chain(moodle).chain(outbox).chain(history).cloned().collect()
    }
}

/// Folds a case into its answer.
pub fn explain(case: &Case) -> Explanation {
    let teller = Teller { case, deciding: deciding(case) };
    let mut records: Vec<_> = case.records.iter().collect();
    records.sort_by_key(|story| (std::cmp::Reverse(story.age), story.record));
    let mut events: Vec<_> = case.events.iter().collect();
    events.sort_by_key(|event| event.at);
    let mut outbox: Vec<_> = case.outbox.iter().collect();
    outbox.sort_by_key(|entry| std::cmp::Reverse(entry.queued_at));
    Explanation {
        answer: format!("{} {}", teller.standing(), teller.completion()),
        advice: teller.deciding.and_then(|story| advice(story.verdict.code())).map(str::to_owned),
        feed: records.into_iter().map(|story| teller.record(story)).collect(),
        moodle: teller.moodle(),
        outbox: outbox.into_iter().map(|entry| teller.outbox(entry)).collect(),
        history: events.into_iter().map(|event| teller.event(event)).collect(),
    }
}

/// The record on which it depends: the newest that counts; one that could not be read only where there is no other.
fn deciding(case: &Case) -> Option<&RecordStory> {
    let counts = |story: &&RecordStory| {
        !matches!(story.verdict.code(), OutcomeCode::Superseded | OutcomeCode::Stale | OutcomeCode::Ignored)
    };
    case.records.iter().filter(counts).max_by_key(|story| (story.age, story.seen_at, story.record))
}

/// How the person stands in the course, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Active,
    NotActive,
    Unknown,
}

pub(super) struct Teller<'a> {
    pub(super) case: &'a Case,
    deciding: Option<&'a RecordStory>,
}

impl Teller<'_> {
    fn person(&self) -> &str {
        self.case.person.name.as_deref().unwrap_or(&self.case.person.asked)
    }

    fn course(&self) -> String {
        let course = &self.case.course;
        match &course.name {
            Some(name) => format!("{name} ({})", course.elm_id),
            None => format!("course {}", course.elm_id),
        }
    }

    pub(super) fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.case.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// How it is, and why.
    fn standing(&self) -> String {
        let (stands, words) = match &self.case.moodle {
            MoodleNow::NotAsked { why } => (Stands::Unknown, format!("Moodle was not asked ({why})")),
            MoodleNow::Asked(answer) => self.observed(answer),
        };
        format!("{words}{}.", self.because(stands))
    }

    fn observed(&self, answer: &MoodleAnswer) -> (Stands, String) {
        let (person, course) = (self.person(), self.course());
        let (accounts, courses) = (answer.accounts.len(), answer.courses.len());
        if accounts > 1 {
            return (Stands::Unknown, format!("{person} has {accounts} Moodle accounts, and which one counts is open"));
        }
        if courses > 1 {
            return (Stands::Unknown, format!("{courses} Moodle courses have the ID number of {course}"));
        }
        let Some(account) = answer.accounts.first() else {
            return (Stands::NotActive, format!("{person} is not in {course} and has no Moodle account"));
        };
        if courses == 0 {
            return (Stands::NotActive, format!("{person} is not in {course}, which Moodle does not have"));
        }
        let closed = if account.suspended { ", but the account is suspended for the whole site" } else { "" };
        match answer.enrolment {
            Some(Enrolment::Active) => (Stands::Active, format!("{person} is active in {course}{closed}")),
            Some(Enrolment::Suspended) => (Stands::NotActive, format!("{person} is suspended in {course}{closed}")),
            Some(Enrolment::Absent) => (Stands::NotActive, format!("{person} is not in {course}{closed}")),
            Some(Enrolment::NotActive) => (Stands::NotActive, format!("{person} is not active in {course}{closed}")),
            None => (Stands::Unknown, format!("How {person} stands in {course} was not asked{closed}")),
        }
    }

    fn because(&self, stands: Stands) -> String {
        let Some(story) = self.deciding else {
            return match &self.case.applied {
                Some(applied) => self.applied(applied, stands),
                None if self.case.records.is_empty() => ": the feed has said nothing about it".to_owned(),
                None => ": the feed has said nothing that counts".to_owned(),
            };
        };
        let wish = format!("the feed's {}", self.wish(story));
        if story.verdict.code() == OutcomeCode::Unknown {
            return format!(": {wish} may have been carried out: {}", story.verdict);
        }
        if standing(story.verdict.code()) != Standing::Settled {
            return format!(": {wish} was not carried out: {}", story.verdict);
        }
        let done = match &story.verdict {
            Verdict::Imported => format!("{wish} is in the history that was taken over"),
            Verdict::Enrolled | Verdict::Reactivated | Verdict::Suspended => {
                format!("{wish} was carried out at {}", self.moment(story.decided_at))
            }
            // What was so already, or could not be otherwise.
            other => format!("{wish} needed nothing at {}: {other}", self.moment(story.decided_at)),
        };
        let wanted = if story.state == EnrolState::Enrol.as_str() { Stands::Active } else { Stands::NotActive };
        differs(stands, wanted, done)
    }

    fn applied(&self, applied: &AppliedState, stands: Stands) -> String {
        let wanted = match applied.state {
            EnrolState::Enrol => Stands::Active,
            EnrolState::Suspend => Stands::NotActive,
        };
        let (state, moment) = (applied.state.as_str(), self.moment(applied.age.changed));
        differs(stands, wanted, format!("the feed's {state} of {moment} was applied by an earlier run"))
    }

    /// The record as a noun: `Enrol of 2026-11-23 09:00 UTC`.
    fn wish(&self, story: &RecordStory) -> String {
        match story.age {
            Some(age) => format!("{} of {}", story.state, self.moment(age.changed)),
            None => format!("record that was read at {}", self.moment(story.seen_at)),
        }
    }

    fn record(&self, story: &RecordStory) -> String {
        let enrolment = story.enrolment.as_ref().map(|id| format!(" (enrolment {id})")).unwrap_or_default();
        let next = match story.step {
            Step::Rest => String::new(),
            Step::TryAt(at) => format!("; it is tried again from {}", self.moment(at)),
            Step::AskAt(_) => "; it waits for a person".to_owned(),
        };
        let tries = if story.attempts > 1 { format!(", {}", tried(story.attempts)) } else { String::new() };
        let (wish, decided) = (self.wish(story), self.moment(story.decided_at));
        format!("Feed: {wish}{enrolment}, {} at {decided}{tries}: {}{next}.", story.verdict.code(), story.verdict)
    }

    fn moodle(&self) -> Vec<String> {
        let MoodleNow::Asked(answer) = &self.case.moodle else {
            return Vec::new();
        };
        let at = self.moment(answer.at);
        let accounts = answer.accounts.iter().map(|account| {
            let suspended = if account.suspended { ", suspended for the whole site" } else { "" };
            format!("Moodle at {at}: account {} {}, {}{suspended}.", account.id, account.username, account.mail)
        });
        let courses =
            answer.courses.iter().map(|course| format!("Moodle at {at}: course {} {}.", course.id, course.full_name));
        let enrolment = answer.enrolment.map(|enrolment| {
            let words = match enrolment {
                Enrolment::Absent => "not in the course",
                Enrolment::Active => "active in the course",
                Enrolment::Suspended => "suspended in the course",
                Enrolment::NotActive => "not active in the course",
            };
            format!("Moodle at {at}: {words}.")
        });
        accounts.chain(courses).chain(enrolment).collect()
    }

    fn outbox(&self, entry: &OutboxStory) -> String {
        let what = match entry.kind {
            OutboxKind::WelcomeMail => "welcome mail".to_owned(),
            OutboxKind::Completion { finished } => format!("report of the completion of {}", self.moment(finished)),
        };
        let state = match &entry.state {
            OutboxState::Sent { at } => format!("sent at {}", self.moment(*at)),
            OutboxState::Waiting { attempts, next_at, trouble } => {
                let trouble = trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
                format!("{}{trouble}; tried next at {}", tried(*attempts), self.moment(*next_at))
            }
            OutboxState::Stopped { attempts, why } => format!("{}, then given up: {why}", tried(*attempts)),
        };
        format!("Outbox: {what}, queued at {}, {state}.", self.moment(entry.queued_at))
    }

    fn event(&self, event: &EventStory) -> String {
        let by = event.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{}: {}{by}: {} (run {}).", self.moment(event.at), event.kind, event.words, event.run)
    }
}

/// What was done, and whether it is still so.
fn differs(stands: Stands, wanted: Stands, done: String) -> String {
    match stands {
        Stands::Unknown => format!(": {done}"),
        now if now == wanted => format!(": {done}"),
        Stands::Active | Stands::NotActive => {
            format!(", though {done}: somebody or something else has changed it since")
        }
    }
}

/// `tried 3 times`.
pub(super) fn tried(attempts: u32) -> String {
    if attempts == 0 { "not tried yet".to_owned() } else { format!("tried {}", count(u64::from(attempts), "time")) }
}
