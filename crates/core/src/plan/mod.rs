//! Desired minus observed: what would be done, in which order, and what is left alone and why.
//!
//! A plan is a pure function of its inputs: the same inputs give the same bytes. It leaves no choice to its executor.
//! Next: [`crate::guard`], without which no plan can be applied.

mod completions;
mod correction;
mod guilds;
mod intake;
mod person;

pub use crate::desired::AppliedState;
/// What a report's fields are called is part of the report.
pub use crate::policy::ReportFields;
pub use completions::{
    CompletionInputs, CompletionSkip, CompletionsPlan, KnownCompletion, KnownCompletions, Report, ReportParts,
    is_same_report, plan_completions,
};
pub use correction::{CannotCorrect, Correction, CorrectionInputs, CorrectionKind, CorrectionPlan, plan_correction};
pub use guilds::{
    CohortForm, CohortWhy, GuildChange, GuildInputs, GuildLine, GuildPlan, GuildSkip, InSync, MemberChange, MemberRef,
    MemberWhy, Retire, RoleChange, RoleWhy, Scope, accounts_to_look_up, plan_guilds,
};
pub use intake::{Courses, Dates, Doubts, Enrolments, IntakeInputs, IntakePlan, Skip, plan_intake};
pub use intake::{EnrolChange, EnrolKind, IntakeChange, Intended, NewAccount, SuspendChange, Who};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, io};

// The digest of a plan: SHA-256 over its changes as canonical JSON. Skips and times are not covered, so that the plan
// which is made again before it is applied can be held against the one that was approved.

/// The SHA-256 of a plan's changes, as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The digest of a flow's changes on one link.
pub fn digest<C: Serialize>(link: &str, changes: &[C]) -> Digest {
    let mut hash = Hashing(Sha256::new());
    serde_json::to_writer(&mut hash, &(link, changes)).expect("changes are plain data, and the hash takes every byte");
    Digest(crate::model::Fingerprint(hash.0.finalize().into()).to_hex())
}
