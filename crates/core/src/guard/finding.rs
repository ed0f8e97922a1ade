//! What a check found: whether it blocks, what about, and how close to the limit.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Whether a finding holds changes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody should know; nothing is held back.
    Warn,
    /// Its changes wait until a named person approves them.
    Block,
}

/// The changes that a finding holds back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Held {
    /// Every one.
    #[default]
    All,
    /// Those at these places of the plan that was checked.
    These(BTreeSet<usize>),
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's name, as in the configuration and the docs.
    pub check: String,
    /// Whether it holds changes back.
    pub level: Level,
    /// What it is about: a course, a person, the feed.
    pub subject: String,
    /// What was found, with the number and the limit.
    pub message: String,
    /// The changes that it holds back where it blocks; a matter of the run, not stored.
    #[serde(skip)]
    pub holds: Held,
}

impl Finding {
    /// A finding that holds back every change, unless [`Self::holding`] says which.
    pub fn block(check: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(Level::Block, check, subject.into(), message.into())
    }

    /// A finding that does not.
    pub fn warn(check: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(Level::Warn, check, subject.into(), message.into())
    }

    fn of(level: Level, check: &str, subject: String, message: String) -> Self {
        Self { check: check.to_owned(), level, subject, message, holds: Held::All }
    }

    /// Holds back the changes at these places, and no others.
    #[must_use]
    pub fn holding(self, places: impl IntoIterator<Item = usize>) -> Self {
        Self { holds: Held::These(places.into_iter().collect()), ..self }
    }

    /// A limit on the number of the changes at these places: blocks them above it, warns from four fifths of it, else says
    /// nothing.
    pub fn of_count(check: &str, what: &str, places: &[usize], limit: u64) -> Option<Self> {
        Self::of_count_after(check, what, places, 0, limit)
    }

    /// The same, where the same run has made so many before.
    pub fn of_count_after(check: &str, what: &str, places: &[usize], before: u64, limit: u64) -> Option<Self> {
        let count = before + places.len() as u64;
        let message = format!("{what}: {count}, the limit is {limit}");
        if count > limit {
            Some(Self::block(check, "run", message).holding(places.iter().copied()))
        } else if count > 0 && count.saturating_mul(5) >= limit.saturating_mul(4) {
            Some(Self::warn(check, "run", message))
        } else {
            None
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Warn => "warning",
            Level::Block => "blocked",
        };
        write!(out, "{level}: {} ({}): {}", self.check, self.subject, self.message)
    }
}
