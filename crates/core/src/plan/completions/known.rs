//! Completions that were reported, or marked as reported, by account and by person.

use crate::model::{CompletionKey, ElmCourseId, MoodleCourseId, MoodleUserId};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A completion that was queued, sent, refused, or marked as reported elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCompletion {
    /// Who, of what, when.
    pub key: CompletionKey,
    /// The person: the folded GUID.
    pub guid: String,
    /// The course, as the ELM names it.
    pub elm_id: ElmCourseId,
}

/// The latest known completion of each account and of each person in each course.
#[derive(Clone, Debug, Default)]
pub struct KnownCompletions {
    by_account: BTreeMap<(MoodleUserId, MoodleCourseId), Timestamp>,
    by_person: BTreeMap<(String, ElmCourseId), CompletionKey>,
}

impl KnownCompletions {
    /// Gathers them.
    pub fn new(known: impl IntoIterator<Item = KnownCompletion>) -> Self {
        let mut all = Self::default();
        for completion in known {
            all.add(completion);
        }
        all
    }

    /// Takes one more.
    pub fn add(&mut self, known: KnownCompletion) {
        let KnownCompletion { key, guid, elm_id } = known;
        let latest = self.by_account.entry((key.user, key.course)).or_insert(key.completed_at);
        *latest = (*latest).max(key.completed_at);
        if !guid.is_empty() {
            let latest = self.by_person.entry((guid, elm_id)).or_insert(key);
            if (latest.completed_at, latest.user) < (key.completed_at, key.user) {
                *latest = key;
            }
        }
    }

    /// The latest of this account.
    pub(super) fn of_account(&self, user: MoodleUserId, course: MoodleCourseId) -> Option<Timestamp> {
        self.by_account.get(&(user, course)).copied()
    }

    /// The latest of this person, whatever the account.
    pub(super) fn of_person(&self, guid: &str, elm_id: &ElmCourseId) -> Option<CompletionKey> {
        self.by_person.get(&(guid.to_owned(), elm_id.clone())).copied()
    }
}
