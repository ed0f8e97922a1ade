//! Course completions.

use std::collections::HashMap;

use super::Row;

/// A row of course_completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Row id; its order is not the order of completion.
    pub id: i64,
    /// The learner.
    pub user_id: i64,
    /// The course.
    pub course_id: i64,
    /// Unix time in seconds; `None` while not complete.
    pub timecompleted: Option<i64>,
    /// Unix time in seconds at which a finished criterion was queued for the next cron; 0 when nothing waits.
    pub reaggregate: i64,
}

/// Index of course_completions: the unique key (account, course).
#[derive(Clone, Debug, Default)]
pub struct CompletionIndex {
    pub(crate) pair: HashMap<(i64, i64), i64>,
}

impl Row for Completion {
    type Index = CompletionIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut CompletionIndex) {
        index.pair.insert((self.user_id, self.course_id), self.id);
    }

    fn leave(&self, index: &mut CompletionIndex) {
        index.pair.remove(&(self.user_id, self.course_id));
    }
}
