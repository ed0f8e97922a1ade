//! Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.

use super::{Finding, IntakeView};
use crate::plan::{IntakeChange, Who};
use crate::verdict::OutcomeCode;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let protected = &view.policy.protected;
    let touched = view.plan.changes.iter().filter_map(|change| match change {
        IntakeChange::Enrol(enrol) => match &enrol.who {
            Who::Account(id) => Some(*id),
            Who::New(_) => None,
        },
        IntakeChange::Suspend(suspend) => Some(suspend.user),
        IntakeChange::CreateAccount(_) => None,
    });
    let blocked = touched.filter(|id| protected.has_account(*id));
    let mut findings: Vec<_> = blocked
        .map(|id| Finding::block("protected", format!("account {id}"), "the plan touches a protected account"))
        .collect();
    let left_alone = view.plan.skips.iter().filter(|skip| skip.verdict.code() == OutcomeCode::Protected).count();
    if left_alone > 0 {
        findings.push(Finding::warn(
            "protected",
            "run",
            format!("{left_alone} records of protected people are left alone"),
        ));
    }
    findings
}
