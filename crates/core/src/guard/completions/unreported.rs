//! Completions that wait for a human, by reason: each is left alone, and the rest goes on.

use super::CompletionsView;
use crate::guard::Finding;
use crate::verdict::Disposition;
use std::collections::BTreeMap;

pub(super) fn check(view: &CompletionsView<'_>) -> Vec<Finding> {
    let mut counts = BTreeMap::<&'static str, (u64, &'static str)>::new();
    for skip in view.plan.skips.iter().filter(|skip| skip.why.standing() == Disposition::Attention) {
        counts.entry(skip.why.code()).or_insert((0, skip.why.remedy())).0 += 1;
    }
    let findings = counts
        .into_iter()
        .map(|(code, (count, remedy))| Finding::warn("unreported", code, format!("not reported: {count}; {remedy}")));
    findings.collect()
}
