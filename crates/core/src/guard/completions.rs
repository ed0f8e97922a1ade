//! The checks of completions; every one is on by default.

use super::{Finding, Guarded, stale_plan};
use crate::model::{LinkName, OptIn, OptInCourse, counted_as};
use crate::plan::CompletionsPlan;
use crate::policy::CompletionsPolicy;
use crate::snapshot::{Gap, Snapshot};
use crate::verdict::Disposition;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What the checks of completions look at.
#[derive(Clone, Copy, Debug)]
pub struct CompletionsView<'a> {
    /// The plan.
    pub plan: &'a CompletionsPlan,
    /// What the reading of the completions lacks.
    pub gaps: &'a [Gap],
    /// The courses as they were seen.
    pub courses: &'a Snapshot<Vec<OptInCourse>>,
    /// Reports that the same run has queued before this plan.
    pub queued_before: u64,
    /// The rules.
    pub policy: &'a CompletionsPolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

/// Runs every check of completions over a plan.
pub fn check_completions(view: &CompletionsView<'_>) -> Vec<Finding> {
    [completeness, hidden_opt_ins, reports, stale, unreported].iter().flat_map(|check| check(view)).collect()
}

impl Guarded for CompletionsPlan {
    fn link(&self) -> &LinkName {
        &self.link
    }

    fn keys(&self) -> Vec<String> {
        self.reports.iter().map(|report| format!("report {} as {}", report.key, report.enrolment)).collect()
    }

    fn only(&self, places: &BTreeSet<usize>) -> Self {
        Self { reports: places.iter().map(|place| self.reports[*place].clone()).collect(), ..self.clone() }
    }
}

/// Says when not all completions were looked at. Reports only add, so that they go on; the rest comes next time.
fn completeness(view: &CompletionsView<'_>) -> Vec<Finding> {
    let gaps = view.gaps.iter().filter(|gap| **gap != Gap::Narrowed);
    gaps.map(|gap| Finding::warn("completeness", "completions", gap.to_string())).collect()
}

/// Courses whose opt-in the account may not see: nothing follows from that, and somebody should know.
fn hidden_opt_ins(view: &CompletionsView<'_>) -> Vec<Finding> {
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
fn reports(view: &CompletionsView<'_>) -> Vec<Finding> {
    let all: Vec<usize> = (0..view.plan.reports.len()).collect();
    if all.is_empty() {
        return Vec::new();
    }
    let (before, limit) = (view.queued_before, view.policy.limits.reports);
    Finding::of_count_after("reports", "completions to be reported", &all, before, limit).into_iter().collect()
}

fn stale(view: &CompletionsView<'_>) -> Vec<Finding> {
    stale_plan(view.plan.made_at, view.now, view.policy.limits.plan_age).into_iter().collect()
}

/// Completions that wait for a human, by reason: each is left alone, and the rest goes on.
fn unreported(view: &CompletionsView<'_>) -> Vec<Finding> {
    let mut counts = BTreeMap::<&'static str, (u64, &'static str)>::new();
    for skip in view.plan.skips.iter().filter(|skip| skip.why.disposition() == Disposition::Attention) {
        counts.entry(skip.why.code()).or_insert((0, skip.why.remedy())).0 += 1;
    }
    let findings = counts
        .into_iter()
        .map(|(code, (count, remedy))| Finding::warn("unreported", code, format!("not reported: {count}; {remedy}")));
    findings.collect()
}
