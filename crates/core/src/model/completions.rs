//! Completions: that somebody finished a course, when, and what the ELM knows that enrolment by.

use crate::model::{ElmCourseId, EnrolmentId, Fingerprint, Guid, LinkName, MoodleCourseId, MoodleUserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

// What makes two sightings of a completion one.

/// One completion: who, of what, and when. Moodle's own ids, since a GUID or an ID number may be corrected later and the
/// completion is still the same one; whole seconds, as Moodle keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CompletionKey {
    pub user: MoodleUserId,
    pub course: MoodleCourseId,
    pub completed_at: Timestamp,
}

impl CompletionKey {
    /// The text under which one completion of a link can be queued only once.
    pub fn dedupe(&self, link: &LinkName) -> String {
        format!("completion/{link}/{}/{}/{}", self.user, self.course, self.completed_at.as_second())
    }

    /// The key that each attempt to send it carries: 64 hexadecimal digits which tell a stranger nothing.
    pub fn idempotency_key(&self, link: &LinkName) -> String {
        Fingerprint::of_bytes(&[&self.dedupe(link)]).to_hex()
    }
}

impl fmt::Display for CompletionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "account {} in course {} at {:.0}", self.user, self.course, self.completed_at)
    }
}

// A completion as Moodle shows it, and the enrolment record that it belongs to.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    /// The web services. They tell the criteria's times, not the course's: a criterion that is met later moves it.
    WebServices,
    /// The database, which keeps the moment itself.
    Database,
    ManualClock,
}

impl SeenBy {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebServices => "web_services",
            Self::Database => "database",
            Self::ManualClock => "hand",
        }
    }

    /// The value of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        [Self::WebServices, Self::Database, Self::ManualClock].into_iter().find(|by| by.as_str() == text)
    }
}

/// A completion as it was seen. The texts are the account's; empty where the sight did not include them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCompletion {
    /// Who, of what, when.
    pub key: CompletionKey,
    /// The account's GUID; empty where it has none.
    pub guid: Guid,
    pub mail: String,
    pub first_name: String,
    pub last_name: String,
    pub by: SeenBy,
}

/// An Enrol record of the ELM for the person and course of a completion: the ELM's own words, which it gets back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRecord {
    pub fingerprint: Fingerprint,
    /// The ELM's id of the enrolment; `None` where the feed gave none.
    pub enrolment: Option<EnrolmentId>,
    pub changed: Timestamp,
    /// When the ELM wrote it.
    pub created: Timestamp,
    pub short_name: String,
    pub guid: Guid,
    pub mail: String,
    pub first_name: String,
    pub last_name: String,
}

// A course, and whether its completions are wanted.

/// What a course's custom field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptIn {
    In,
    Out,
    /// The field is not shown to the account that asks: nothing is known.
    Hidden,
}

/// A course as the question of opting in sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptInCourse {
    /// `course.id`
    pub id: MoodleCourseId,
    /// `course.idnumber`; `None` where the course has none.
    pub elm_id: Option<ElmCourseId>,
    /// `course.fullname`, as stored.
    pub full_name: String,
    pub opt_in: OptIn,
}
