//! Desired minus observed: what would be done, in which order, and what is left alone and why.
//!
//! A plan is a pure function of its inputs: the same inputs give the same bytes. It leaves no choice to its executor.
//! Next: [`crate::guard`], without which no plan can be applied.

mod change;
mod completions;
mod digest;
mod intake;
mod shared_address;

pub use change::{EnrolChange, EnrolKind, IntakeChange, NewAccount, SuspendChange, Who};
pub use completions::{
    CompletionInputs, CompletionSkip, CompletionsPlan, KnownCompletion, KnownCompletions, Report, ReportParts,
    is_same_report, plan_completions,
};
pub use digest::{Digest, digest};
pub use intake::{AppliedState, Courses, Enrolments, IntakeInputs, IntakePlan, Skip, plan_intake};
