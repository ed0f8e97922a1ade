//! The journal's language: runs, their events, and what became of each change.
//!
//! A status is a fold of events; nothing here stores one. Next: `crate::report`.

mod delivery;
mod guilds;

use crate::plan::{EnrolKind, IntakeChange};
pub use crate::verdict::{Disposition, MailHolder, OutcomeCode, Step, Verdict, disposition, next_step, next_step_of};
pub use delivery::{
    Circuit, Delivery, DeliveryEvent, DeliveryState, IllegalEvent, Jitter, LookupResult, Receipt, SendPace, back_off,
    step,
};
pub use guilds::{GuildCounts, OwnedEdit, credit, edits_of};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The beginning of the reason of a run that was stopped because it reached its limit.
pub const OVERDUE: &str = "it took longer than its limit of";

// The kinds of a run and of its events, and the counts that a run ends with.

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
        Started = "started",
        /// What was read, from which system, with its gaps.
        Collected = "collected",
        /// What is intended, with the plan's digest.
        Planned = "planned",
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
        Acted = "acted",
        /// A mail or report left the outbox, or did not.
        Delivered = "delivered",
        /// Something went wrong that is no record's own.
        Alert = "trouble",
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
    pub suspended: u64,
    /// Records that need a human.
    pub errors: u64,
    /// Records known before, superseded, stale, or so already.
    pub skipped: u64,
    /// Records that wait for another try.
    pub waiting: u64,
    /// Records that hold from a later day, and wait for it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub planned: u64,
    pub accounts: u64,
    pub mails: u64,
    pub calls: u64,
}

/// Left out where there is none, so that a run without plans reads as one of before.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    pub fn add(&mut self, code: OutcomeCode) {
        match (code, disposition(code)) {
            (OutcomeCode::Enrolled | OutcomeCode::Reactivated | OutcomeCode::EnrolledBlocked, _) => self.enrolled += 1,
            (OutcomeCode::Planned, _) => self.planned += 1,
            (OutcomeCode::Suspended, _) => self.suspended += 1,
            (_, Disposition::Settled) => self.skipped += 1,
            (_, Disposition::Transient | Disposition::Awaited) => self.waiting += 1,
            (_, Disposition::Attention) => self.errors += 1,
        }
    }
}

// What became of one change that was sent, or not, to a remote system.

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The remote system did it.
    Done,
    /// The remote system had it so already; no call was needed.
    AlreadySo,
    /// The remote system refused this one change; nothing was done.
    Refused {
        /// The remote's error code, never its prose.
        code: String,
    },
    /// It was sent and no usable answer came: it may or may not have happened.
    Unknown,
    NotTried {
        why: String,
    },
}

impl Outcome {
    /// Moodle's code where a course has no enabled manual enrolment instance.
    pub const NO_INSTANCE: &str = "wsnoinstance";
    /// Our own code of a suspension after which Moodle still calls the person active, by another enrolment method.
    pub const STILL_ACTIVE: &str = "still_active";
}

// Change + outcome → the verdict of the record that wanted the change.

/// What an outcome of a change means for a record that wants it. For an account, `Done` and `AlreadySo` mean nothing yet:
/// the enrolment that follows decides.
pub fn verdict_of(change: &IntakeChange, outcome: &Outcome) -> Option<Verdict> {
    let refused = |code: &str| match change {
        IntakeChange::CreateAccount(_) => Verdict::AccountRefused { code: code.into() },
        IntakeChange::Enrol(_) | IntakeChange::Suspend(_) => Verdict::EnrolRefused { code: code.into() },
    };
    Some(match (change, outcome) {
        (IntakeChange::CreateAccount(_), Outcome::Done | Outcome::AlreadySo) => return None,
        (IntakeChange::Enrol(enrol), Outcome::Done) => match (enrol.blocked, enrol.kind) {
            (Some(why), _) => Verdict::EnrolledBlocked { why },
            (None, EnrolKind::Enrol) => Verdict::Enrolled,
            (None, EnrolKind::Reactivate) => Verdict::Reactivated,
        },
        (IntakeChange::Enrol(_), Outcome::AlreadySo) => Verdict::AlreadyEnrolled,
        (IntakeChange::Suspend(_), Outcome::Done) => Verdict::Suspended,
        (IntakeChange::Suspend(_), Outcome::AlreadySo) => Verdict::AlreadySuspended,
        (IntakeChange::Enrol(enrol), Outcome::Refused { code }) if code == Outcome::NO_INSTANCE => {
            Verdict::NoManualInstance { course: enrol.course }
        }
        (IntakeChange::Suspend(suspend), Outcome::Refused { code }) if code == Outcome::NO_INSTANCE => {
            Verdict::NoManualInstance { course: suspend.course }
        }
        (IntakeChange::Suspend(_), Outcome::Refused { code }) if code == Outcome::STILL_ACTIVE => Verdict::StillActive,
        (_, Outcome::Refused { code }) => refused(code),
        (_, Outcome::Unknown) => Verdict::Unknown { step: change.to_string().into() },
        (_, Outcome::NotTried { why }) => Verdict::NotTried { why: why.as_str().into() },
    })
}
