//! The checks of intake, one file each; every one is on by default.

mod completeness;
mod dates_ahead;
mod doubtful_identity;
mod new_accounts;
mod protected;
mod stale_plan;
mod suspensions;
mod welcome_mails;

use super::Finding;
use crate::plan::{Courses, IntakeInputs, IntakePlan};
use crate::policy::IntakePolicy;
use jiff::Timestamp;

/// What the checks of intake look at.
#[derive(Clone, Copy, Debug)]
pub struct IntakeView<'a> {
    /// The plan.
    pub plan: &'a IntakePlan,
    /// The gaps of the feed.
    pub feed: &'a IntakeInputs<'a>,
    /// The courses, with how many are active where that is known.
    pub courses: &'a Courses,
    /// The rules.
    pub policy: &'a IntakePolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

type IntakeCheck = fn(&IntakeView<'_>) -> Vec<Finding>;

/// Every check of intake; each is on by default.
const INTAKE_CHECKS: [IntakeCheck; 8] = [
    completeness::check,
    dates_ahead::check,
    doubtful_identity::check,
    new_accounts::check,
    protected::check,
    stale_plan::check,
    suspensions::check,
    welcome_mails::check,
];

/// Runs every check of intake over a plan.
pub fn check_intake(view: &IntakeView<'_>) -> Vec<Finding> {
    INTAKE_CHECKS.iter().flat_map(|check| check(view)).collect()
}
