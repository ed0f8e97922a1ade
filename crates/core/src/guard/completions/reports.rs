//! Too many reports at once: history read as news.

use super::CompletionsView;
use crate::guard::Finding;

pub(super) fn check(view: &CompletionsView<'_>) -> Vec<Finding> {
    let count = view.plan.reports.len() as u64;
    Finding::of_count("reports", "completions to be reported", count, view.policy.limits.reports).into_iter().collect()
}
