//! Says what did not arrive. Nothing is taken away then; the planner sees to that, and this check stands behind it.

use crate::guard::{Finding, GuildView};
use crate::plan::GuildChange;

pub(in crate::guard::guilds) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let (community, moodle) = (view.inputs.community, view.inputs.moodle);
    let gaps = community.gaps.iter().map(|gap| ("community", gap));
    let gaps: Vec<_> = gaps.chain(moodle.gaps.iter().map(|gap| ("moodle", gap))).collect();
    let mut findings: Vec<_> =
        gaps.iter().map(|(side, gap)| Finding::warn("completeness", *side, gap.to_string())).collect();
    if !gaps.is_empty() && view.plan.changes.iter().any(GuildChange::removes) {
        let message = "the plan takes something away on the word of an incomplete answer";
        findings.push(Finding::block("completeness", "run", message));
    }
    findings
}
