//! A completion as Moodle shows it, and the enrolment record that it belongs to.

use super::CompletionKey;
use crate::model::{EnrolmentId, Fingerprint, Guid};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who saw a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    /// The web services. They tell the criteria's times, not the course's: a criterion that is met later moves it.
    WebServices,
    /// The database, which keeps the moment itself.
    Database,
    /// A person gave it.
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
    /// The account's mail address.
    pub mail: String,
    /// The account's given name.
    pub first_name: String,
    /// The account's family name.
    pub last_name: String,
    /// Who saw it.
    pub by: SeenBy,
}

/// An Enrol record of the ELM for the person and course of a completion: the ELM's own words, which it gets back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRecord {
    /// The record.
    pub fingerprint: Fingerprint,
    /// The ELM's id of the enrolment; `None` where the feed gave none.
    pub enrolment: Option<EnrolmentId>,
    /// When the learner acted.
    pub changed: Timestamp,
    /// When the ELM wrote it.
    pub created: Timestamp,
    /// The class code.
    pub short_name: String,
    /// The person's GUID.
    pub guid: Guid,
    /// The person's mail address.
    pub mail: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}
