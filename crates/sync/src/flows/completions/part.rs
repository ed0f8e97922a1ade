//! The looking of one run, in parts: each is collected, planned, guarded and recorded before the next begins, so that a run
//! that is cut off loses at most the last one.

use super::ask::{make_asks, subjects};
use super::collect::{Courses, Polling, Seen, WAITING_MAX, collect_courses, collect_from_database, look_into};
use super::plan::{Weighed, collect_waiting};
use super::report::{CompletionsError, CompletionsReport};
use super::{CompletionsFlow, FoundBy, Reach};
use crate::engine::{Decided, Run, Write};
use jiff::Timestamp;
use rollbook_core::desired::OptedCourse;
use rollbook_core::guard::{CompletionsView, Decision, Finding, check_completions};
use rollbook_core::model::OptInCourse;
use rollbook_core::plan::CompletionsPlan;
use rollbook_core::run::RunState;
use rollbook_core::snapshot::{Gap, Snapshot};
use rollbook_journal::{CompletionsRecord, CompletionsState, PushedEvent, Reviewed};

/// So many pushed events are looked into in one run.
const EVENTS_MAX: u64 = 500;

/// What remains to be looked at in a run.
pub(super) struct Work {
    reach: Reach,
    state: CompletionsState,
    looked: Snapshot<Vec<OptInCourse>>,
    opted: Vec<OptedCourse>,
    polling: Polling,
    is_first: bool,
    queued: u64,
}

/// What one part of a run saw.
pub(super) struct Part {
    weighed: Weighed,
    seen: Seen,
    events: Vec<PushedEvent>,
    /// The opted courses as they are once this part is recorded.
    opted: Vec<OptedCourse>,
    looked: Snapshot<Vec<OptInCourse>>,
    queued_before: u64,
    is_first: bool,
    /// Whether everything that waits was weighed again.
    weighed_all: bool,
}

impl Work {
    /// Looks which courses have opted in, and whom to look at.
    pub async fn begin(flow: &CompletionsFlow, run: &Run<'_>, reach: Reach) -> Result<Self, CompletionsError> {
        let now = run.clock.now();
        let state = run.journal.completions().state(&flow.link).await?;
        let courses = collect_courses(flow, run.journal, &state, now).await?;
        let polling = Polling::prepare(flow, run.journal, reach, &courses, now).await?;
        let Courses { looked, opted, .. } = courses;
        Ok(Self { reach, state, looked, opted, polling, is_first: true, queued: 0 })
    }

    /// The next part. The first is what waits, what was pushed, what the database has, and the first people; each further one
    /// is so many people more.
    pub async fn next(
        &mut self,
        flow: &CompletionsFlow,
        run: &Run<'_>,
        people: usize,
    ) -> Result<Option<Part>, CompletionsError> {
        let (journal, now) = (run.journal, run.clock.now());
        let is_first = std::mem::take(&mut self.is_first);
        let mut opted = self.opted.clone();
        let (mut seen, mut waiting, mut events) = (Seen::default(), Vec::new(), Vec::new());
        if is_first {
            waiting = collect_waiting(flow, journal, &opted, now).await?;
            seen = collect_from_database(flow, journal, self.reach, &self.state, &mut opted, now).await?;
            events = journal.completions().pending_events(&flow.link, EVENTS_MAX).await?;
            seen.add(look_into(flow, &events.iter().map(|event| (event.user, event.course)).collect()).await?);
            if !matches!(flow.method, FoundBy::Database(_)) {
                // What was seen before a course reported is weighed again in this part.
                opted.iter_mut().for_each(|course| course.scanned_from = Some(course.reports_from(&flow.policy)));
            }
        }
        match self.polling.next(flow, people).await {
            Some(polled) => seen.add(polled),
            None if !is_first => return Ok(None),
            None => {}
        }
        let weighed_all = (waiting.len() as u64) < WAITING_MAX;
        let supplied =
            waiting.iter().filter_map(|waiting| Some((waiting.seen.key, waiting.supplied.clone()?))).collect();
        let waiting = waiting.into_iter().map(|waiting| waiting.seen);
        let gaps = self.looked.gaps.iter().filter(|gap| **gap != Gap::Narrowed).chain(&seen.gaps).cloned().collect();
        let value = seen.completions.iter().cloned().chain(waiting).collect();
        let all = Snapshot { taken_at: run.clock.now(), gaps, value };
        let weighed = Weighed::collect(flow, journal, all, &opted, supplied).await?;
        let (looked, queued_before) = (self.looked.clone(), self.queued);
        Ok(Some(Part { weighed, seen, events, opted, looked, queued_before, is_first, weighed_all }))
    }

    /// Records a part. Gives how many reports are new.
    pub async fn record(
        &mut self,
        flow: &CompletionsFlow,
        write: &Write<'_>,
        part: &Part,
        decided: &Decided<CompletionsPlan>,
    ) -> Result<u64, CompletionsError> {
        let Part { weighed, seen, events, opted, is_first, weighed_all, .. } = part;
        let is_held = decided.is_held();
        let completions = weighed.seen.value.iter().map(|seen| (seen.key, seen.clone())).collect();
        let (asks, about) =
            (make_asks(&decided.plan, opted), subjects(weighed.seen.value.iter().map(|seen| &seen.key)));
        let record = CompletionsRecord {
            plan: decided.decision.cleared.plan(),
            seen: &completions,
            courses: if is_held { &self.opted } else { opted },
            checked: Some(self.looked.taken_at),
            // What a guard held back must be found again.
            covered: seen.covered.filter(|_| !is_held),
            full: seen.full.filter(|_| !is_held),
            looked: if is_held { &[] } else { &seen.looked },
            attention: &asks,
            reviewed: if *is_first && *weighed_all && !is_held { Reviewed::All } else { Reviewed::About(&about) },
        };
        let Write { journal, clock, lease, run } = write;
        let queued = journal.completions().record(lease.lease(), run, &record, clock.now()).await?.reports;
        if !is_held {
            journal.completions().finish_events(events, clock.now()).await?;
            self.opted.clone_from(opted);
        }
        self.queued += queued;
        tracing::debug!(link = %flow.link, queued, is_held, "a part is recorded");
        Ok(queued)
    }
}

impl Part {
    /// The plan.
    pub fn plan(&self, flow: &CompletionsFlow, now: Timestamp) -> CompletionsPlan {
        self.weighed.plan(&flow.link, &flow.policy, now)
    }

    /// What the checks say of the plan, or of a part of it.
    pub fn check(&self, flow: &CompletionsFlow, plan: &CompletionsPlan, now: Timestamp) -> Vec<Finding> {
        let Self { weighed, looked, queued_before, .. } = self;
        let (gaps, policy) = (&weighed.seen.gaps, &flow.policy);
        check_completions(&CompletionsView { plan, gaps, courses: looked, queued_before: *queued_before, policy, now })
    }

    /// What this part came to.
    pub fn into_report(self, decided: Decided<CompletionsPlan>, queued: u64) -> CompletionsReport {
        let Self { weighed, seen, .. } = self;
        let state = if decided.is_held() { RunState::GuardRefused } else { RunState::Done };
        let Decided { plan, decision: Decision { findings, .. }, .. } = decided;
        CompletionsReport {
            state,
            seen: seen.count,
            known: seen.known,
            looks: seen.looked.len() as u64,
            gaps: weighed.seen.gaps,
            findings,
            queued,
            ..CompletionsReport::empty(&plan.link.clone(), plan.made_at)
        }
        .with_plan(plan)
    }
}
