//! Desired minus observed: what would be done, in which order, and what is left alone and why.
//!
//! A plan is a pure function of its inputs: the same inputs give the same bytes. It leaves no choice to its executor.
//! Next: [`crate::guard`], without which no plan can be applied.

mod change;
mod completions;
mod correction;
mod digest;
mod guilds;
mod intake;
mod person;
mod shared_address;

pub use change::{EnrolChange, EnrolKind, IntakeChange, Intended, NewAccount, SuspendChange, Who};
pub use completions::{
    CompletionInputs, CompletionSkip, CompletionsPlan, KnownCompletion, KnownCompletions, Report, ReportParts,
    is_same_report, plan_completions,
};
pub use correction::{CannotCorrect, Correction, CorrectionAsk, CorrectionInputs, CorrectionPlan, plan_correction};
pub use digest::{Digest, digest};
pub use guilds::{
    CohortForm, CohortWhy, GuildChange, GuildInputs, GuildLine, GuildPlan, GuildSkip, InStep, MemberChange, MemberRef,
    MemberWhy, Retire, RoleChange, RoleWhy, Scope, accounts_to_look_up, plan_guilds,
};
pub use intake::{AppliedState, Courses, Doubts, Enrolments, IntakeInputs, IntakePlan, Skip, plan_intake};

// What a report's fields are called is part of the report.
pub use crate::policy::ReportFields;
