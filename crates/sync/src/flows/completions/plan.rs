//! Plan and guard: what was seen, what waits, what is known → the plan with its findings.

use super::CompletionsFlow;
use super::collect::{Seen, WAITING_MAX, fill_in, people_now, question};
use super::report::CompletionsError;
use jiff::Timestamp;
use rollbook_core::desired::{OptedCourse, ScanKind, choose_scans};
use rollbook_core::guard::{CompletionsView, Finding, check_completions};
use rollbook_core::model::{CompletionKey, MoodleCourseId, MoodleUserId, OptInCourse, SeenCompletion};
use rollbook_core::plan::{CompletionInputs, CompletionsPlan, KnownCompletions, plan_completions};
use rollbook_core::snapshot::{Gap, Snapshot};
use rollbook_journal::{Journal, KnownQuery, WaitingCompletion};
use std::collections::{BTreeMap, BTreeSet};

/// A plan with what it was made from.
pub(super) struct Made {
    pub plan: CompletionsPlan,
    pub findings: Vec<Finding>,
    pub completions: BTreeMap<CompletionKey, SeenCompletion>,
    /// Whether everything that waits was weighed again.
    pub weighed_all: bool,
    /// What may be missing.
    pub gaps: Vec<Gap>,
}

/// What waits for a human and, when the settings reach further back than before, what was skipped until now.
pub(super) async fn collect_waiting(
    flow: &CompletionsFlow,
    journal: &Journal,
    opted: &[OptedCourse],
    now: Timestamp,
) -> Result<Vec<WaitingCompletion>, CompletionsError> {
    let scans = choose_scans(opted, &flow.policy, Some(now), jiff::SignedDuration::ZERO, false);
    let reach_back = scans.iter().filter(|scan| scan.kind != ScanKind::Ordinary).map(|scan| scan.since).min();
    let mut waiting = journal.completions().waiting(&flow.link, reach_back, WAITING_MAX).await?;
    let nameless: BTreeSet<MoodleUserId> = waiting
        .iter()
        .filter(|waiting| waiting.seen.guid.as_str().is_empty())
        .map(|waiting| waiting.seen.key.user)
        .collect();
    if !nameless.is_empty() {
        let people = people_now(flow, &nameless.into_iter().collect::<Vec<_>>()).await?;
        for waiting in &mut waiting {
            fill_in(&mut waiting.seen, &people);
        }
    }
    Ok(waiting)
}

/// What a plan is made beside.
pub(super) struct Beside<'a> {
    pub looked: &'a Snapshot<Vec<OptInCourse>>,
    pub opted: &'a [OptedCourse],
    /// Reports that the same run has queued before.
    pub queued: u64,
    pub now: Timestamp,
}

/// Makes the plan, and runs every check over it.
pub(super) async fn make_plan(
    flow: &CompletionsFlow,
    journal: &Journal,
    seen: &Seen,
    waiting: Vec<WaitingCompletion>,
    beside: &Beside<'_>,
) -> Result<Made, CompletionsError> {
    let Beside { looked, opted, queued, now } = *beside;
    let weighed_all = (waiting.len() as u64) < WAITING_MAX;
    let supplied = waiting.iter().filter_map(|waiting| Some((waiting.seen.key, waiting.supplied.clone()?))).collect();
    let value: Vec<SeenCompletion> =
        seen.completions.iter().cloned().chain(waiting.into_iter().map(|waiting| waiting.seen)).collect();
    let completions = value.iter().map(|seen| (seen.key, seen.clone())).collect();
    let courses: BTreeMap<MoodleCourseId, OptedCourse> =
        opted.iter().map(|course| (course.id, course.clone())).collect();
    let questions: Vec<KnownQuery> = value.iter().map(|seen| question(seen, opted)).collect();
    let pairs: BTreeSet<_> =
        questions.iter().filter_map(|asked| Some((asked.guid.clone(), asked.elm_id.clone()?))).collect();
    let pairs: Vec<_> = pairs.into_iter().filter(|(guid, _)| !guid.is_empty()).collect();
    let records = journal.completions().enrolment_records(&flow.intakes, &pairs).await?;
    let known = KnownCompletions::new(journal.completions().known(&flow.link, &questions).await?);
    let gaps: Vec<Gap> = looked.gaps.iter().filter(|gap| **gap != Gap::Narrowed).chain(&seen.gaps).cloned().collect();
    let seen = Snapshot { taken_at: now, gaps, value };
    let inputs = CompletionInputs {
        link: &flow.link,
        seen: &seen,
        courses: &courses,
        records: &records,
        known: &known,
        supplied: &supplied,
    };
    let plan = plan_completions(&inputs, &flow.policy, now);
    let view = CompletionsView {
        plan: &plan,
        gaps: &seen.gaps,
        courses: looked,
        queued_before: queued,
        policy: &flow.policy,
        now,
    };
    let findings = check_completions(&view);
    Ok(Made { plan, findings, completions, weighed_all, gaps: seen.gaps })
}
