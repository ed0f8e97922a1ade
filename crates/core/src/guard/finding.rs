//! What a check found: whether it blocks, what about, and how close to the limit.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a finding stops the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody should know; the plan may run.
    Warn,
    /// The plan may not run until a named person approves it.
    Block,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's name, as in the configuration and the docs.
    pub check: String,
    /// Whether it stops the plan.
    pub level: Level,
    /// What it is about: a course, a person, the feed.
    pub subject: String,
    /// What was found, with the number and the limit.
    pub message: String,
}

impl Finding {
    /// A finding that stops the plan.
    pub fn block(check: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), level: Level::Block, subject: subject.into(), message: message.into() }
    }

    /// A finding that does not.
    pub fn warn(check: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), level: Level::Warn, subject: subject.into(), message: message.into() }
    }

    /// A limit on a count: blocks above it, warns from four fifths of it, else says nothing.
    pub fn of_count(check: &str, what: &str, count: u64, limit: u64) -> Option<Self> {
        let message = format!("{what}: {count}, the limit is {limit}");
        if count > limit {
            Some(Self::block(check, "run", message))
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
