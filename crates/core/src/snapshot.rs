//! What one system said, when, and whether all of it arrived.
//!
//! A snapshot that is not proven complete may add or update; it may never remove, suspend or archive.

use crate::model::{counted, counted_as};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one system said at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot<T> {
    pub taken_at: Timestamp,
    /// What is known to be absent from it; nothing means complete.
    pub gaps: Vec<Gap>,
    pub value: T,
}

impl<T> Snapshot<T> {
    /// A snapshot of which all arrived.
    pub fn complete(taken_at: Timestamp, value: T) -> Self {
        Self { taken_at, gaps: Vec::new(), value }
    }

    /// Whether all of it is proven to have arrived.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// One reason why a snapshot may lack something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gap", rename_all = "snake_case")]
pub enum Gap {
    /// The server led back to a page that was read already.
    PageRepeated,
    /// The server's count and the rows that came disagree.
    CountDisagrees {
        /// The count that the server gave.
        said: u64,
        /// The rows that were read.
        read: u64,
    },
    /// The limit of pages was reached and there was more.
    PagesLimit {
        /// The limit, in pages.
        limit: u64,
    },
    /// The limit of rows was reached and there was more.
    RowsLimit {
        /// The limit, in rows.
        limit: u64,
    },
    /// The limit of calls was reached and there was more.
    CallsLimit {
        /// How many people were not looked at.
        left: u64,
    },
    /// A stretch of the feed before what was read now was never read: its records are missing.
    Unread {
        /// From when, by the time of creation.
        from: Timestamp,
        /// Up to when.
        until: Timestamp,
    },
    /// Only some of the records were asked for (a person, a file).
    Narrowed,
    /// The server left something out and said so, or may have.
    Withheld {
        /// What it said, in words.
        what: String,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PageRepeated => out.write_str("a page came twice"),
            Self::CountDisagrees { said, read } => {
                write!(out, "the server counts {}, {read} came", counted(*said, "row"))
            }
            Self::PagesLimit { limit } => write!(out, "there is more than the limit of {}", counted(*limit, "page")),
            Self::RowsLimit { limit } => write!(out, "there is more than the limit of {}", counted(*limit, "row")),
            Self::CallsLimit { left } => {
                write!(out, "the limit of calls was reached, {} left", counted_as(*left, "person is", "people are"))
            }
            Self::Unread { from, until } => {
                write!(out, "records created from {from} to {until} were never read; run with `--since {from}`")
            }
            Self::Narrowed => out.write_str("only a part was asked for"),
            Self::Withheld { what } => write!(out, "something was withheld: {what}"),
        }
    }
}
