//! The checks of completions; every one is on by default.

use crate::guard::Finding;
use crate::model::{OptIn, OptInCourse, counted_as};
use crate::plan::CompletionsPlan;
use crate::policy::CompletionsPolicy;
use crate::snapshot::{Gap, Snapshot};
use crate::verdict::Disposition;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What the checks of completions look at.
#[derive(Clone, Copy, Debug)]
pub struct CompletionsView<'a> {
    pub plan: &'a CompletionsPlan,
    /// What the reading of the completions lacks.
    pub gaps: &'a [Gap],
    /// The courses as they were seen.
    pub courses: &'a Snapshot<Vec<OptInCourse>>,
    /// Reports that the same run has queued before this plan.
    pub queued_before: u64,
    pub policy: &'a CompletionsPolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

type Check = fn(&CompletionsView<'_>) -> Vec<Finding>;

const CHECKS: [Check; 5] =
    [check_completeness, check_hidden_opt_ins, check_reports, check_stale_plan, check_unreported];

/// Runs every check of completions over a plan.
pub fn check_completions(view: &CompletionsView<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(view)).collect()
}

/// Says when not all completions were looked at. Reports only add, so that the plan may run; the rest comes next time.
fn check_completeness(view: &CompletionsView<'_>) -> Vec<Finding> {
    let told = view.gaps.iter().filter(|gap| **gap != Gap::Narrowed);
    told.map(|gap| Finding::warn("completeness", "completions", gap.to_string())).collect()
}

/// Courses whose opt-in the account may not see: nothing follows from that, and somebody should know.
fn check_hidden_opt_ins(view: &CompletionsView<'_>) -> Vec<Finding> {
    let courses = &view.courses.value;
    let hidden = courses.iter().filter(|course| course.opt_in == OptIn::Hidden).count();
    if hidden == 0 {
        return Vec::new();
    }
    let message = format!(
        "{hidden} of {} not show the opt-in field; is it visible to everyone, and rightly named?",
        counted_as(courses.len(), "course does", "courses do")
    );
    vec![Finding::warn("hidden_opt_ins", "courses", message)]
}

/// Too many reports at once: history read as news.
fn check_reports(view: &CompletionsView<'_>) -> Vec<Finding> {
    let new = view.plan.reports.len() as u64;
    if new == 0 {
        return Vec::new();
    }
    let count = new + view.queued_before;
    Finding::of_count("reports", "completions to be reported", count, view.policy.limits.reports).into_iter().collect()
}

/// A plan that was made too long ago: the world has moved since.
fn check_stale_plan(view: &CompletionsView<'_>) -> Vec<Finding> {
    let age = view.now.duration_since(view.plan.made_at);
    let limit = view.policy.limits.plan_age;
    if age <= limit {
        return Vec::new();
    }
    let message = format!("the plan is {} s old, the limit is {} s", age.as_secs(), limit.as_secs());
    vec![Finding::block("stale_plan", "plan", message)]
}

/// Completions that wait for a human, by reason: each is left alone, and the rest goes on.
fn check_unreported(view: &CompletionsView<'_>) -> Vec<Finding> {
    let mut counts = BTreeMap::<&'static str, (u64, &'static str)>::new();
    for skip in view.plan.skips.iter().filter(|skip| skip.why.disposition() == Disposition::Attention) {
        counts.entry(skip.why.code()).or_insert((0, skip.why.remedy())).0 += 1;
    }
    let findings = counts
        .into_iter()
        .map(|(code, (count, remedy))| Finding::warn("unreported", code, format!("not reported: {count}; {remedy}")));
    findings.collect()
}
