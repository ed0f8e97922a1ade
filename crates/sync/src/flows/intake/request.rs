//! What a run of intake is asked for.

use crate::engine::Purpose;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::Fingerprint;
use rollbook_core::window::{Covered, Window, WindowPolicy, choose_window};
use rollbook_elm::client::FeedQuery;
use serde_json::Value;
use std::collections::BTreeSet;

/// The feed's times are asked for to the second.
const EDGE: SignedDuration = SignedDuration::from_secs(1);

/// Which records are asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum IntakeQuery {
    /// What is new since the last run, and what waits.
    New,
    /// What was created in a given interval.
    Between(Window),
    /// Everything about one person: a mail address, a GUID, or both.
    Person {
        /// The mail address.
        mail: Option<String>,
        /// The GUID.
        guid: Option<String>,
    },
    /// Rows from a file instead of the feed.
    Rows(Vec<Value>),
    /// What the feed has on a question; of it these records only, where they are named.
    Question {
        /// Created after this moment.
        since: Option<Timestamp>,
        /// Created before this moment.
        until: Option<Timestamp>,
        /// The mail address.
        mail: Option<String>,
        /// The GUID.
        guid: Option<String>,
        /// The records that are meant; all where none are named.
        only: Option<BTreeSet<Fingerprint>>,
    },
    /// Records of the journal, whether or not their time has come.
    Stored(Vec<Fingerprint>),
}

/// What a run of intake is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakeRequest {
    /// Whether it may change anything.
    pub purpose: Purpose,
    /// Which records.
    pub query: IntakeQuery,
    /// Who asks: `schedule`, or a person.
    pub author: String,
}

impl IntakeQuery {
    /// The window that is read, where a window is.
    pub(super) fn window(&self, covered: Covered, policy: WindowPolicy, now: Timestamp) -> Option<Window> {
        match self {
            Self::New => Some(choose_window(covered, policy, now)),
            Self::Between(window) => Some(*window),
            Self::Person { .. } | Self::Rows(_) | Self::Question { .. } | Self::Stored(_) => None,
        }
    }

    /// The question to the feed; `None` where the feed is not asked.
    pub(super) fn feed_query(&self, window: Option<Window>) -> Option<FeedQuery> {
        match self {
            Self::New | Self::Between(_) => {
                let window = window?;
                Some(FeedQuery { since: Some(window.since), until: window.until, mail: None, guid: None })
            }
            Self::Person { mail, guid } => {
                Some(FeedQuery { since: None, until: None, mail: mail.clone(), guid: guid.clone() })
            }
            Self::Question { since, until, mail, guid, only: _ } => {
                // The feed is asked for what lies between; who says "from 10:41" means that moment, too.
                let since = since.map(|since| since.checked_sub(EDGE).unwrap_or(since));
                let until = until.map(|until| until.checked_add(EDGE).unwrap_or(until));
                Some(FeedQuery { since, until, mail: mail.clone(), guid: guid.clone() })
            }
            Self::Rows(_) | Self::Stored(_) => None,
        }
    }

    /// Whether a record that the feed gave is meant.
    pub(super) fn means(&self, record: &Fingerprint) -> bool {
        match self {
            Self::Question { only: Some(only), .. } => only.contains(record),
            _ => true,
        }
    }

    /// Where the records come from, where that is not the feed.
    pub(super) fn place(&self) -> &'static str {
        match self {
            Self::Stored(_) => "journal",
            _ => "file",
        }
    }

    /// Whether records that wait from earlier runs are taken up too.
    pub(super) fn takes_up_waiting(&self) -> bool {
        matches!(self, Self::New)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_about_a_time_includes_both_its_ends() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let (since, until) = (at("2026-11-23T10:41:00Z"), at("2026-11-23T10:45:00Z"));
        let query = IntakeQuery::Question { since, until, mail: None, guid: None, only: None };
        let feed = query.feed_query(None).unwrap_or_default();
        assert_eq!((feed.since, feed.until), (at("2026-11-23T10:40:59Z"), at("2026-11-23T10:45:01Z")));
    }
}
