//! What is known of a person and a course: what [`super::explain`] folds.

use super::chain::Moment;
use crate::model::{EnrolState, Enrolment, Fingerprint, MoodleUserId};
use crate::verdict::OutcomeCode;
use jiff::Timestamp;

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
    /// The state.
    pub state: EnrolState,
    /// When the learner acted.
    pub changed: Timestamp,
}

/// Whether somebody has finished a course, as Moodle says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finished {
    /// It was not asked.
    #[default]
    NotAsked,
    /// Not, or not yet.
    NotYet,
    /// At this moment.
    At(Timestamp),
}

/// Whether completions of a course are reported to the ELM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporting {
    /// It was not asked.
    #[default]
    NotAsked,
    /// The course has opted in.
    On,
    /// The course has not opted in.
    Off,
}
