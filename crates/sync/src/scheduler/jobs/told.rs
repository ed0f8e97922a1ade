//! What a flow reports → what an answer says. Lists are bounded, and say what they left out.

use crate::flows::completions::CompletionsReport;
use crate::flows::guilds::GuildsReport;
use crate::flows::intake::IntakeReport;
use rollbook_core::guard::Finding;
use rollbook_core::model::{FeedRecord, Field, Fingerprint, RunId};
use rollbook_core::run::{Counts, GuildCounts, RunState};
use rollbook_journal::requests::{LINES_MAX, Ran};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Lines, and how many were left out.
struct Lines {
    lines: Vec<String>,
    left_out: u64,
}

fn lines<T: Display>(items: impl ExactSizeIterator<Item = T>) -> Lines {
    let left_out = items.len().saturating_sub(LINES_MAX) as u64;
    Lines { lines: items.take(LINES_MAX).map(|item| item.to_string()).collect(), left_out }
}

/// What a plan would change and what it leaves alone, as lines.
struct PlanLines {
    changes: Lines,
    skips: Lines,
    gaps: Lines,
}

impl PlanLines {
    /// The answer of a run; `plan` is the plan that waits for a person.
    fn into_ran(
        self,
        run: Option<RunId>,
        state: RunState,
        counts: Counts,
        findings: Vec<Finding>,
        plan: Option<i64>,
    ) -> Ran {
        let Self { changes, skips, gaps } = self;
        let left_out = changes.left_out + skips.left_out;
        Ran {
            run,
            state,
            counts,
            left_out,
            changes: changes.lines,
            skips: skips.lines,
            findings,
            gaps: gaps.lines,
            plan,
        }
    }
}

/// A run of intake; `waiting` is the plan that waits for a person.
pub(super) fn of_intake(report: IntakeReport, waiting: Option<i64>) -> Ran {
    let IntakeReport { run, state, gaps, counts, plan, findings, records, .. } = report;
    let records: BTreeMap<Fingerprint, &FeedRecord> =
        records.iter().map(|record| (record.fingerprint, record)).collect();
    let changes = lines(plan.changes.iter());
    let skips = lines(plan.skips.iter().map(|skip| {
        let subject = records.get(&skip.record).map_or_else(String::new, |record| {
            format!("{} of {} in {}: ", record.get(Field::State), record.guid(), record.course())
        });
        format!("{subject}{}", skip.verdict)
    }));
    let gaps = lines(gaps.iter());
    PlanLines { changes, skips, gaps }.into_ran(run, state, counts, findings, waiting)
}

/// A run of completions.
pub(super) fn of_completions(report: CompletionsReport, waiting: Option<i64>) -> Ran {
    let CompletionsReport { run, state, plan, seen, known, gaps, findings, delivered, .. } = report;
    let changes = lines(plan.reports.iter());
    let skips = lines(plan.skips.iter().map(|skip| format!("{}: {}", skip.seen.key, skip.why)));
    let counts = Counts {
        records: seen,
        skipped: known + plan.skips.len() as u64,
        errors: delivered.refused,
        waiting: delivered.waiting,
        ..Counts::default()
    };
    let gaps = lines(gaps.iter());
    PlanLines { changes, skips, gaps }.into_ran(run, state, counts, findings, waiting)
}

/// A run of guilds.
pub(super) fn of_guilds(report: GuildsReport) -> Ran {
    let GuildsReport { run, state, plan, findings, waiting, counts, community, .. } = report;
    let changes = lines(plan.changes.iter());
    let skips = lines(plan.skips.iter().map(|skip| format!("{}: {}", skip.name, skip.reason)));
    let GuildCounts { added, removed, unchanged, accounts, waiting: left, refused, open, calls, .. } = counts;
    let counts = Counts {
        records: added + removed + unchanged,
        enrolled: added,
        suspended: removed,
        errors: refused,
        skipped: unchanged,
        waiting: left + open,
        planned: 0,
        accounts,
        mails: 0,
        calls,
    };
    let gaps = lines(community.gaps.iter());
    PlanLines { changes, skips, gaps }.into_ran(run, state, counts, findings, waiting)
}
