//! Everything that is known about one person and one course: what [`super::explain`] folds.

use crate::model::{Account, Age, Course, ElmCourseId, Enrolment, EnrolmentId, Fingerprint, Guid, Mail, RunId};
use crate::plan::AppliedState;
use crate::run::{EventKind, Step, Verdict};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One person, one course, and all that is known about the two.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The person.
    pub person: PersonOf,
    /// The course.
    pub course: CourseOf,
    /// The feed's records, in any order.
    pub records: Vec<RecordStory>,
    /// The newest state that was applied; it stays when the records are gone.
    pub applied: Option<AppliedState>,
    /// What runs and people did, in any order.
    pub events: Vec<EventStory>,
    /// What Moodle says now.
    pub moodle: MoodleNow,
    /// Mails and reports, in any order.
    pub outbox: Vec<OutboxStory>,
    /// The zone in which times are shown.
    pub zone: TimeZone,
}

/// Who is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonOf {
    /// What was asked for: a GUID, an address, a name.
    pub asked: String,
    /// The name, where it is known.
    pub name: Option<String>,
    /// The GUID, where it is known.
    pub guid: Option<Guid>,
    /// The mail address, where it is known.
    pub mail: Option<Mail>,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseOf {
    /// The ELM's id.
    pub elm_id: ElmCourseId,
    /// The name, where it is known.
    pub name: Option<String>,
}

/// One record of the feed, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordStory {
    /// The record.
    pub record: Fingerprint,
    /// What it wants, in the feed's own word.
    pub state: String,
    /// How new it is; nothing where it could not be read.
    pub age: Option<Age>,
    /// The ELM's id of the enrolment.
    pub enrolment: Option<EnrolmentId>,
    /// When it was first read.
    pub seen_at: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// When that was decided.
    pub decided_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What happens next with it.
    pub step: Step,
}

/// One event of the journal that concerns the person or the course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventStory {
    /// When.
    pub at: Timestamp,
    /// In which run.
    pub run: RunId,
    /// What kind of event.
    pub kind: EventKind,
    /// What was done or found, in words.
    pub words: String,
    /// The person who acted, if it was one.
    pub by: Option<String>,
}

/// What Moodle says now.
#[derive(Clone, Debug, PartialEq)]
pub enum MoodleNow {
    /// It was not asked, or did not answer.
    NotAsked {
        /// Why not, in words.
        why: String,
    },
    /// It was asked.
    Asked(MoodleAnswer),
}

/// What Moodle answered.
#[derive(Clone, Debug, PartialEq)]
pub struct MoodleAnswer {
    /// When it was asked.
    pub at: Timestamp,
    /// The accounts of the GUID.
    pub accounts: Vec<Account>,
    /// The courses of the ID number.
    pub courses: Vec<Course>,
    /// How the account stands in the course; nothing where it was not asked.
    pub enrolment: Option<Enrolment>,
    /// Whether the person has finished.
    pub completion: Completion,
    /// Whether completions of the course are reported.
    pub reporting: Reporting,
}

/// Whether somebody has finished a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It was not asked.
    NotAsked,
    /// Not, or not yet.
    NotCompleted,
    /// At this moment.
    Completed(Timestamp),
}

/// Whether completions of a course are reported to the ELM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// It was not asked.
    NotAsked,
    /// The course is opted in.
    On,
    /// The course is not opted in.
    Off,
}

/// One mail or report of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxStory {
    /// What it is.
    pub kind: OutboxKind,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How it stands.
    pub state: OutboxState,
}

/// What can leave the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxKind {
    /// The mail that welcomes somebody to a course.
    WelcomeMail,
    /// The report of a completion to the ELM.
    Completion {
        /// When the person finished.
        finished: Timestamp,
    },
}

/// How an entry of the outbox stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// It left, and was taken.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It waits for the first or the next try.
    Waiting {
        /// How often it was tried.
        attempts: u32,
        /// When it is tried next.
        next_at: Timestamp,
        /// Why the last try failed, if there was one.
        trouble: Option<String>,
    },
    /// It is not tried any more until a person says so.
    Stopped {
        /// How often it was tried.
        attempts: u32,
        /// Why.
        why: String,
    },
}
