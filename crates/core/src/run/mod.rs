//! The journal's language: runs, their events, and what became of each change.
//!
//! A status is a fold of events; nothing here stores one. Next: `crate::report`.

mod delivery;
mod event;
mod fold;
mod guilds;
mod outcome;

pub use crate::verdict::{Disposition, MailHolder, OutcomeCode, Step, Verdict, next_step, standing};
pub use delivery::{Answer, Circuit, Delivery, DeliveryState, Draw, IllegalMove, LookUp, Move, Pass, back_off, step};
pub use event::{Counts, EventKind, RunKind, RunState};
pub use fold::verdict_of;
pub use guilds::{GuildCounts, OwnedEdit, credit, edits_of};
pub use outcome::Outcome;

/// The beginning of the reason of a run that was stopped because it reached its limit.
pub const OVERDUE: &str = "it took longer than its limit of";
