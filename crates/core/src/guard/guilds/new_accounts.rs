//! Too many new accounts at once.

use crate::guard::{Finding, GuildView};
use crate::plan::GuildChange;

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let made = view.plan.changes.iter().filter(|change| matches!(change, GuildChange::CreateAccount(_)));
    let limit = view.policy.limits.new_accounts;
    Finding::of_count("new_accounts", "new accounts", made.count() as u64, limit).into_iter().collect()
}
