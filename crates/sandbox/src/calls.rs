//! What the stand-ins were asked: one entry per request, in order of arrival.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One request that reached a stand-in, also when a fault then swallowed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Moodle's function name, or `feed`, `feed_file`, `elm_token`, `completion`, `completion_lookup`, `community`, `community_token`, `smtp`.
    pub function: String,
    /// Elements in the batch (Moodle), otherwise 1.
    pub items: usize,
}

/// A copy of the list of requests at one moment.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    list: Vec<Call>,
}

impl Calls {
    /// All requests to all stand-ins.
    pub fn total(&self) -> usize {
        self.list.len()
    }

    /// Requests to one function.
    pub fn of(&self, function: &str) -> usize {
        self.matching(function).count()
    }

    /// Elements sent to one function, over all its requests.
    pub fn items(&self, function: &str) -> usize {
        self.matching(function).map(|call| call.items).sum()
    }

    /// Requests per function.
    pub fn per_function(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.list {
            *counts.entry(call.function.clone()).or_insert(0) += 1;
        }
        counts
    }

    /// Every request in order of arrival.
    pub fn list(&self) -> &[Call] {
        &self.list
    }

    fn matching<'a>(&'a self, function: &'a str) -> impl Iterator<Item = &'a Call> {
        self.list.iter().filter(move |call| call.function == function)
    }
}

/// The growing list that the servers share.
#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<Vec<Call>>);

impl CallLog {
    pub(crate) fn note(&self, function: &str, items: usize) {
        self.lock().push(Call { function: function.to_owned(), items });
    }

    pub(crate) fn snapshot(&self) -> Calls {
        Calls { list: self.lock().clone() }
    }

    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
