//! Says when not all completions were looked at. Reports only add, so that the plan may run; the rest comes next time.

use super::CompletionsView;
use crate::guard::Finding;
use crate::snapshot::Gap;

pub(super) fn check(view: &CompletionsView<'_>) -> Vec<Finding> {
    let told = view.gaps.iter().filter(|gap| **gap != Gap::Narrowed);
    told.map(|gap| Finding::warn("completeness", "completions", gap.to_string())).collect()
}
