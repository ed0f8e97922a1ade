//! Says when the feed did not arrive whole. Nothing is taken away on its word then; the planner sees to that.

use super::{Finding, IntakeView};
use crate::plan::IntakeChange;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let gaps = &view.feed.records.gaps;
    let removes = view.plan.changes.iter().any(|change| matches!(change, IntakeChange::Suspend(_)));
    let mut findings: Vec<_> = gaps.iter().map(|gap| Finding::warn("completeness", "feed", gap.to_string())).collect();
    if removes && !gaps.is_empty() {
        findings.push(Finding::block(
            "completeness",
            "feed",
            "the plan suspends people on the word of an incomplete feed",
        ));
    }
    findings
}
