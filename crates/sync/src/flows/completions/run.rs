//! One run of completions, as the engine takes it: collect → plan → guard → record, part by part, then send what is due.

use super::part::{Part, Work};
use super::report::{CompletionsError, CompletionsReport};
use super::{CompletionsFlow, CompletionsRequest, Courier, Delivered, Purpose, Reach, deliver_reports};
use crate::engine::{Decided, Flow, Run, Timing, Write, run};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::Finding;
use rollbook_core::model::LinkName;
use rollbook_core::plan::CompletionsPlan;
use rollbook_core::run::{RunKind, RunState};
use rollbook_core::verdict::Disposition;
use rollbook_journal::{Journal, NewRun, OpenPlan};
use rollbook_moodle::client::MoodleClient;
use tokio_util::sync::CancellationToken;

/// So many people are looked at before what was seen is recorded.
const PEOPLE_A_PART: usize = 100;

/// Runs completions once.
///
/// # Errors
/// [`CompletionsError`]; the run is in the journal with its reason, except where the journal itself failed.
pub async fn run_completions(
    flow: &CompletionsFlow,
    journal: &Journal,
    clock: &Clock,
    request: &CompletionsRequest,
    stop: &CancellationToken,
) -> Result<CompletionsReport, CompletionsError> {
    let report = CompletionsReport::empty(&flow.link, clock.now());
    let completions = CompletionsRun { flow, request, work: None, report };
    run(completions, journal, clock, request.purpose, stop).await
}

struct CompletionsRun<'a> {
    flow: &'a CompletionsFlow,
    request: &'a CompletionsRequest,
    work: Option<Work>,
    report: CompletionsReport,
}

impl Flow for CompletionsRun<'_> {
    type World = Part;
    type Plan = CompletionsPlan;
    type Report = CompletionsReport;
    type Error = CompletionsError;

    fn link(&self) -> &LinkName {
        &self.flow.link
    }

    fn timing(&self) -> Timing {
        Timing { lease: self.flow.lease, limit: self.flow.limit }
    }

    fn moodle(&self) -> &MoodleClient {
        &self.flow.moodle
    }

    async fn begin(&mut self, _: &Run<'_>) -> Result<NewRun, CompletionsError> {
        let CompletionsRequest { reach, author, .. } = self.request;
        let kind = if *reach == Reach::Pushed { RunKind::Scoped } else { RunKind::Normal };
        let url = self.flow.moodle.site_url().to_owned();
        Ok(NewRun { flow: "completions".to_owned(), kind, url, author: author.clone() })
    }

    async fn collect(&mut self, run: &Run<'_>) -> Result<Option<Part>, CompletionsError> {
        // What a guard held back would only grow.
        if self.report.state == RunState::GuardRefused {
            return Ok(None);
        }
        let work = match &mut self.work {
            Some(work) => work,
            None => self.work.insert(Work::begin(self.flow, run, self.request.reach).await?),
        };
        // A dry run records nothing, so that it has nothing to lose.
        let people = if run.write().is_some() { PEOPLE_A_PART } else { usize::MAX };
        work.next(self.flow, run, people).await
    }

    fn plan(&self, part: &Part, now: Timestamp) -> Result<CompletionsPlan, CompletionsError> {
        Ok(part.plan(self.flow, now))
    }

    fn check(&self, part: &Part, plan: &CompletionsPlan, now: Timestamp) -> Vec<Finding> {
        part.check(self.flow, plan, now)
    }

    /// Once something is held back the run looks no further: what it has not looked at it cannot end.
    fn covers(&self, plan: &OpenPlan, kind: RunKind) -> bool {
        plan.kind == kind
    }

    fn show(&mut self, part: Part, decided: Decided<CompletionsPlan>) {
        self.report.add(part.into_report(decided, 0));
    }

    async fn apply(
        &mut self,
        write: &Write<'_>,
        part: Part,
        decided: Decided<CompletionsPlan>,
    ) -> Result<(), CompletionsError> {
        let queued = match &mut self.work {
            Some(work) => work.record(self.flow, write, &part, &decided).await?,
            None => 0,
        };
        self.report.add(part.into_report(decided, queued));
        Ok(())
    }

    /// Whatever Moodle said: what is due is sent.
    async fn finish(&mut self, write: &Write<'_>) -> Result<(), CompletionsError> {
        let courier = Courier { flow: self.flow, write, only: None };
        self.report.delivered = deliver_reports(&courier).await?;
        Ok(())
    }

    fn report(self) -> Result<CompletionsReport, CompletionsError> {
        let mut report = self.report;
        let Delivered { refused, waiting, .. } = report.delivered;
        let asked = !report.plan.recertifications.is_empty()
            || report.plan.skips.iter().any(|skip| skip.why.disposition() == Disposition::Attention);
        let unfinished = asked || !report.gaps.is_empty() || refused + waiting > 0;
        if self.request.purpose == Purpose::Apply && report.state == RunState::Done && unfinished {
            report.state = RunState::Partly;
        }
        Ok(report)
    }
}
