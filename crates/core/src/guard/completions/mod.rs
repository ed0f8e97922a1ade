//! The checks of completions: each a file, each on by default.

mod completeness;
mod hidden_opt_ins;
mod reports;
mod stale_plan;
mod unreported;

use super::Finding;
use crate::model::OptInCourse;
use crate::plan::CompletionsPlan;
use crate::policy::CompletionsPolicy;
use crate::snapshot::{Gap, Snapshot};
use jiff::Timestamp;

/// What the checks of completions look at.
#[derive(Clone, Copy, Debug)]
pub struct CompletionsView<'a> {
    /// The plan.
    pub plan: &'a CompletionsPlan,
    /// What the reading of the completions lacks.
    pub gaps: &'a [Gap],
    /// The courses as they were seen.
    pub courses: &'a Snapshot<Vec<OptInCourse>>,
    /// The rules.
    pub policy: &'a CompletionsPolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

type Check = fn(&CompletionsView<'_>) -> Vec<Finding>;

/// Every check of completions.
const CHECKS: [Check; 5] =
    [completeness::check, hidden_opt_ins::check, reports::check, stale_plan::check, unreported::check];

/// Runs every check of completions over a plan.
pub fn check_completions(view: &CompletionsView<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(view)).collect()
}
