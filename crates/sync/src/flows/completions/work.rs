//! The looking of one run, in parts: each is collected, planned, guarded and recorded before the next begins, so that a run
//! that is cut off loses at most the last one.

use super::ask::{make_asks, subjects};
use super::collect::{Courses, Polling, Seen, collect_courses, collect_from_database, look_into};
use super::plan::{Beside, Made, collect_waiting, make_plan};
use super::report::{CompletionsError, CompletionsReport};
use super::{CompletionsFlow, FoundBy, Reach};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::desired::OptedCourse;
use rollbook_core::guard::{Cleared, clear};
use rollbook_core::model::{OptInCourse, RunId};
use rollbook_core::run::RunState;
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{
    CompletionsRecord, CompletionsState, Journal, Lease, NewPlan, PlanState, PushedEvent, Reviewed,
};

/// So many pushed events are looked into in one run.
const EVENTS_MAX: u64 = 500;

/// What remains to be looked at in a run.
pub(super) struct Work<'a> {
    flow: &'a CompletionsFlow,
    journal: &'a Journal,
    clock: &'a Clock,
    reach: Reach,
    state: CompletionsState,
    looked: Snapshot<Vec<OptInCourse>>,
    opted: Vec<OptedCourse>,
    polling: Polling,
    is_first: bool,
    queued: u64,
}

/// What one part of a run saw, and the plan of it.
pub(super) struct Part {
    made: Made,
    seen: Seen,
    events: Vec<PushedEvent>,
    /// The opted courses as they are once this part is recorded.
    opted: Vec<OptedCourse>,
    is_first: bool,
}

impl<'a> Work<'a> {
    /// Looks which courses have opted in, and whom to look at.
    pub(super) async fn begin(
        flow: &'a CompletionsFlow,
        journal: &'a Journal,
        clock: &'a Clock,
        reach: Reach,
    ) -> Result<Self, CompletionsError> {
        let now = clock.now();
        let state = journal.completions().state(&flow.link).await?;
        let courses = collect_courses(flow, journal, &state, now).await?;
        let polling = Polling::prepare(flow, journal, reach, &courses, now).await?;
        let Courses { looked, opted, .. } = courses;
        Ok(Self { flow, journal, clock, reach, state, looked, opted, polling, is_first: true, queued: 0 })
    }

    /// The next part. The first is what waits, what was pushed, what the database has, and the first people; each further one
    /// is so many people more.
    pub(super) async fn next(&mut self, people: usize) -> Result<Option<Part>, CompletionsError> {
        let Self { flow, journal, clock, .. } = *self;
        let now = clock.now();
        let is_first = std::mem::take(&mut self.is_first);
        let mut opted = self.opted.clone();
        let (mut seen, mut waiting, mut events) = (Seen::default(), Vec::new(), Vec::new());
        if is_first {
            waiting = collect_waiting(flow, journal, &opted, now).await?;
            seen = collect_from_database(flow, journal, self.reach, &self.state, &mut opted, now).await?;
            events = journal.completions().pending_events(&flow.link, EVENTS_MAX).await?;
            seen.add(look_into(flow, &events.iter().map(|event| (event.user, event.course)).collect()).await?);
            if !matches!(flow.way, FoundBy::Database(_)) {
                // What was seen before a course reported is weighed again in this part.
                opted.iter_mut().for_each(|course| course.scanned_from = Some(course.reports_from(&flow.policy)));
            }
        }
        match self.polling.next(flow, people).await {
            Some(polled) => seen.add(polled),
            None if !is_first => return Ok(None),
            None => {}
        }
        let beside = Beside { looked: &self.looked, opted: &opted, queued: self.queued, now: clock.now() };
        let made = make_plan(flow, journal, &seen, waiting, &beside).await?;
        Ok(Some(Part { made, seen, events, opted, is_first }))
    }
}

impl Part {
    /// Guard → record. Gives what it came to, and how many reports are new.
    pub(super) async fn record(
        self,
        work: &mut Work<'_>,
        lease: &Lease,
        run: &RunId,
    ) -> Result<(CompletionsReport, u64), CompletionsError> {
        let Work { flow, journal, clock, .. } = *work;
        let Self { made, seen, events, opted, is_first } = &self;
        let (approved, approval) = journal.plans().approval(&flow.link, clock.now()).await?.unzip();
        let cleared = clear((), made.plan.digest(), made.findings.clone(), approval.as_ref(), clock.now()).ok();
        if !made.plan.reports.is_empty() {
            let used = approved.filter(|_| cleared.as_ref().and_then(Cleared::approved_by).is_some());
            let state = if cleared.is_some() { PlanState::Cleared } else { PlanState::Blocked };
            let (digest, body) = (made.plan.digest(), serde_json::to_string(&made.plan).expect("a plan is plain data"));
            let new = NewPlan { digest: &digest, body: &body, findings: &made.findings, state, approval: used };
            journal.plans().store(lease, run, &new, &[], clock.now()).await?;
        }
        let is_cleared = cleared.is_some();
        let (asks, about) = (make_asks(&made.plan, opted), subjects(made.completions.keys()));
        let record = CompletionsRecord {
            plan: &made.plan,
            cleared: is_cleared,
            seen: &made.completions,
            courses: if is_cleared { opted } else { &work.opted },
            checked: Some(work.looked.taken_at),
            // What a guard held back must be found again.
            covered: seen.covered.filter(|_| is_cleared),
            full: seen.full.filter(|_| is_cleared),
            looked: if is_cleared { &seen.looked } else { &[] },
            attention: &asks,
            reviewed: if *is_first && made.weighed_all && is_cleared { Reviewed::All } else { Reviewed::About(&about) },
        };
        let queued = journal.completions().record(lease, run, &record, clock.now()).await?.reports;
        if is_cleared {
            journal.completions().finish_events(events, clock.now()).await?;
            work.opted.clone_from(opted);
        }
        work.queued += queued;
        let state = if is_cleared { RunState::Done } else { RunState::GuardRefused };
        Ok((CompletionsReport { state, ..self.into_report() }, queued))
    }

    /// What this part came to, had it to run without an approval.
    pub(super) fn into_report(self) -> CompletionsReport {
        let Self { made: Made { plan, findings, gaps, .. }, seen, .. } = self;
        let made_at: Timestamp = plan.made_at;
        let refused = clear((), plan.digest(), findings.clone(), None, made_at).is_err();
        CompletionsReport {
            state: if refused { RunState::GuardRefused } else { RunState::Done },
            seen: seen.count,
            known: seen.known,
            looks: seen.looked.len() as u64,
            gaps,
            findings,
            ..CompletionsReport::empty(&plan.link.clone(), made_at)
        }
        .with_plan(plan)
    }
}
