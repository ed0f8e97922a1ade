//! Too many new accounts at once: a feed of another organisation, or GUIDs that changed.

use super::{Finding, IntakeView};
use crate::plan::IntakeChange;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let count =
        view.plan.changes.iter().filter(|change| matches!(change, IntakeChange::CreateAccount(_))).count() as u64;
    Finding::of_count("new_accounts", "new accounts", count, view.policy.limits.new_accounts).into_iter().collect()
}
