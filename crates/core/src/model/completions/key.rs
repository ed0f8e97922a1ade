//! What makes two sightings of a completion one.

use crate::model::{Fingerprint, LinkName, MoodleCourseId, MoodleUserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One completion: who, of what, and when. Moodle's own ids, since a GUID or an ID number may be corrected later and the
/// completion is still the same one; whole seconds, as Moodle keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CompletionKey {
    /// Who.
    pub user: MoodleUserId,
    /// Of what.
    pub course: MoodleCourseId,
    /// When.
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
