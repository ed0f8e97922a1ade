//! The journal's language: what became of a record and of a change, and when it is tried again.
//!
//! A status is a fold of events; nothing here stores one. Next: [`crate::report`].

mod code;
mod event;
mod outcome;
mod standing;
mod verdict;

pub use code::OutcomeCode;
pub use event::{Counts, EventKind, RunKind, RunState};
pub use outcome::Outcome;
pub use standing::{Standing, Step, next_step, standing};
pub use verdict::{MailHolder, Verdict};
