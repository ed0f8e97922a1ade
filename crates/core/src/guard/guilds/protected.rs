//! Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.

use crate::guard::{Finding, GuildView};
use crate::model::counted_as;
use crate::verdict::SkipReason;

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let protected = &view.policy.protected;
    let touched = view.plan.changes.iter().filter(|change| !change.is_note()).filter_map(|change| change.user());
    let blocked = touched.filter(|user| protected.has_account(*user));
    let mut findings: Vec<_> = blocked
        .map(|user| Finding::block("protected", format!("account {user}"), "the plan touches a protected account"))
        .collect();
    let left = view.plan.skips.iter().filter(|skip| matches!(skip.reason, SkipReason::Protected { .. })).count();
    if left > 0 {
        let message = format!(
            "{} alone",
            counted_as(left, "membership of a protected person is left", "memberships of protected people are left")
        );
        findings.push(Finding::warn("protected", "run", message));
    }
    findings
}
