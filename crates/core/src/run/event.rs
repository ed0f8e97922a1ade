//! The kinds of a run and of its events, and the counts that a run ends with.

use super::{Disposition, OutcomeCode, standing};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $enum:ident { $($(#[$vdoc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $enum { $($(#[$vdoc])* $name,)* }

        impl $enum {
            /// The word that is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The value of a stored word.
            pub fn read(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What a run was asked to do.
    RunKind {
        /// As the schedule or the plain command does it.
        Normal = "normal",
        /// Plans and shows; changes nothing anywhere.
        DryRun = "dry_run",
        /// Only some records or one person or group.
        Scoped = "scoped",
        /// History taken over.
        Import = "import",
    }
}

words! {
    /// How a run stands or ended.
    RunState {
        /// Under way, or cut off without a word.
        Running = "running",
        /// Everything that could be done was done.
        Done = "done",
        /// Some records wait or failed.
        Partly = "partly",
        /// A guard refused the plan.
        GuardRefused = "guard_refused",
        /// It stopped with an error.
        Failed = "failed",
        /// It was asked to stop.
        Stopped = "stopped",
        /// Its process died; a later run noticed.
        Abandoned = "abandoned",
    }
}

words! {
    /// What an event of a run says. Events are only ever added.
    EventKind {
        /// The run began.
        Started = "started",
        /// What was read, from which system, with its gaps.
        Collected = "collected",
        /// What is intended, with the plan's digest.
        Planned = "planned",
        /// What a guard found.
        Finding = "finding",
        /// One change is about to be sent.
        Intended = "intended",
        /// What became of one change.
        Applied = "applied",
        /// What a look-up after an unknown outcome showed.
        Settled = "settled",
        /// What became of one record.
        Decided = "decided",
        /// A later record corrected a detail of an earlier one.
        Corrected = "corrected",
        /// A person acted.
        Acted = "acted",
        /// A mail or report left the outbox, or did not.
        Delivered = "delivered",
        /// Something went wrong that is no record's own.
        Alert = "trouble",
        /// The run ended.
        Ended = "ended",
    }
}

/// The numbers that a run of intake ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records that the feed gave.
    pub records: u64,
    /// Put into a course or made active again.
    pub enrolled: u64,
    /// Suspended in a course.
    pub suspended: u64,
    /// Records that need a human.
    pub errors: u64,
    /// Records known before, superseded, stale, or so already.
    pub skipped: u64,
    /// Records that wait for another try.
    pub waiting: u64,
    /// Accounts created.
    pub accounts: u64,
    /// Welcome mails queued.
    pub mails: u64,
    /// Calls to Moodle.
    pub calls: u64,
}

impl Counts {
    /// Counts one record's verdict.
    pub fn add(&mut self, code: OutcomeCode) {
        match (code, standing(code)) {
            (OutcomeCode::Enrolled | OutcomeCode::Reactivated, _) => self.enrolled += 1,
            (OutcomeCode::Suspended, _) => self.suspended += 1,
            (_, Disposition::Settled) => self.skipped += 1,
            (_, Disposition::Transient | Disposition::Awaited) => self.waiting += 1,
            (_, Disposition::Attention) => self.errors += 1,
        }
    }
}
