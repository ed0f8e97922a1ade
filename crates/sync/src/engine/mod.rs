//! One engine for every flow: lease → run row → collect → plan → guard → record → apply → settle → report.
//!
//! # How to write a flow
//! A flow is one folder under `flows/` with a type that implements [`Flow`] for one run, and a public function that makes
//! that value and gives it to [`run`]. It supplies
//! - [`Flow::begin`]: what the journal knows, and the words of the run's row;
//! - [`Flow::collect`]: one part of the world at a time. It only reads remote systems; what it has read it may store by
//!   [`Run::write`], which a dry run does not have. Whom Moodle must never touch it adds with [`protect`];
//! - [`Flow::plan`]: core's planner and core's checks over that part; pure;
//! - [`Flow::intents`] and [`Flow::prove`]: what is said, and what is proven, before the first effect;
//! - [`Flow::apply`]: the cleared changes → Moodle, by [`send_and_record`], and their outcomes → the journal;
//! - [`Flow::finish`]: what is done at the end whatever happened before;
//! - [`Flow::report`]: what the run came to.
//!
//! The engine owns the rest. A dry run goes through the same code up to the first effect: what it shows is what a run at
//! that moment would do. A crash anywhere is the flow's to repair in its next run, from a fresh look at both sides.

mod lease;
mod protect;
mod send;

pub use lease::{LeaseGuard, Timing};
pub(crate) use protect::{FIRST_ADMINISTRATOR, protect};
pub(crate) use send::{Sender, Sent, in_doubt, not_tried, send_and_record, settled};

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::{Clock, Timer};
use rollbook_core::guard::{Cleared, Finding, Level, clear};
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::plan::Digest;
use rollbook_core::report::with_causes;
use rollbook_core::run::{Counts, EventKind, OVERDUE, RunState};
use rollbook_journal::{Intent, Journal, JournalError, NewEvent, NewPlan, NewRun, PlanState};
use rollbook_moodle::client::{CallCount, MoodleClient};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whether a run may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Collect, plan, guard, record, apply.
    Apply,
    /// Collect, plan, guard; nothing is recorded, nothing is sent.
    DryRun,
}

/// One run of one flow.
pub(crate) trait Flow {
    /// What a plan is made from.
    type World;
    /// What would be done.
    type Plan: Plan;
    /// What the run comes to.
    type Report: Report;
    /// Why it stops.
    type Error: std::error::Error + From<JournalError> + 'static;

    fn link(&self) -> &LinkName;
    fn timing(&self) -> Timing;
    fn moodle(&self) -> &MoodleClient;

    /// Asks the journal what the run needs to know first, and describes the run for its row.
    async fn begin(&mut self, run: &Run<'_>) -> Result<NewRun, Self::Error>;

    /// Reads the next part of the world; `None` when nothing is left. Given up at once where a stop is asked for.
    async fn collect(&mut self, run: &Run<'_>) -> Result<Option<Self::World>, Self::Error>;

    /// The plan and what the checks say of it.
    fn plan(&self, world: &Self::World, now: Timestamp) -> Result<(Self::Plan, Vec<Finding>), Self::Error>;

    /// Whether a person's approval may clear a plan that a check blocks.
    fn is_approvable(&self) -> bool {
        true
    }

    /// Proves before the first effect that the token may do what the plan wants.
    async fn prove(&self, _world: &Self::World, _plan: &Self::Plan) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The changes that are about to be sent for records of the journal.
    fn intents(&self, _plan: &Self::Plan) -> Vec<Intent> {
        Vec::new()
    }

    /// What a dry run shows of a part.
    fn show(&mut self, world: Self::World, decided: Decided<Self::Plan>);

    /// Applies what was cleared, and records what became of it and of what was not.
    async fn apply(
        &mut self,
        write: &Write<'_>,
        world: Self::World,
        decided: Decided<Self::Plan>,
    ) -> Result<(), Self::Error>;

    /// What is done at the end of a run that may write, also after an error.
    async fn finish(&mut self, _write: &Write<'_>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// What the run came to.
    fn report(self) -> Result<Self::Report, Self::Error>;

    /// How a run ends that ends with this error.
    fn state_after(_error: &Self::Error) -> RunState {
        RunState::Failed
    }
}

/// A plan, as the engine sees it.
pub(crate) trait Plan: Clone + Serialize {
    /// What an approval is bound to.
    fn digest(&self) -> Digest;
    /// Whether it changes nothing.
    fn is_empty(&self) -> bool;
}

/// What a run came to, as its row in the journal wants it.
pub(crate) trait Report {
    fn state(&mut self) -> &mut RunState;
    fn counts(&self) -> Counts;
    /// What the row says beyond its numbers.
    fn reason(&self) -> String;
    /// Takes in what only the engine knows.
    fn close(&mut self, run: Option<RunId>, calls: Vec<CallCount>, duration_ms: u64);
}

/// What every step of a run is given.
pub(crate) struct Run<'a> {
    pub journal: &'a Journal,
    pub clock: &'a Clock,
    stop: CancellationToken,
    write: Option<Write<'a>>,
}

/// The right to write, for this run. The lease is proven at every write: by the journal in the transaction itself, and
/// before each batch to a remote system.
pub(crate) struct Write<'a> {
    pub journal: &'a Journal,
    pub clock: &'a Clock,
    pub lease: LeaseGuard,
    pub run: RunId,
}

/// A plan, and whether it may be applied.
pub(crate) struct Decided<P> {
    pub plan: P,
    pub findings: Vec<Finding>,
    pub cleared: Option<Cleared<P>>,
    /// The stored plan that waits for a person.
    pub waiting: Option<i64>,
    approval: Option<i64>,
}

impl<'a> Run<'a> {
    /// The right to write; a dry run has none.
    pub fn write(&self) -> Option<&Write<'a>> {
        self.write.as_ref()
    }
}

/// Runs a flow once.
///
/// # Errors
/// Those of the flow; the run is in the journal with its reason, except where the journal itself failed.
pub(crate) async fn run<F: Flow>(
    mut flow: F,
    journal: &Journal,
    clock: &Clock,
    purpose: Purpose,
    stop: &CancellationToken,
) -> Result<F::Report, F::Error> {
    let began = clock.timer();
    let mut run = Run { journal, clock, stop: stop.clone(), write: None };
    match purpose {
        Purpose::DryRun => {
            flow.begin(&run).await?;
            work(&mut flow, &run).await?;
            let calls = flow.moodle().call_counts();
            let mut report = flow.report()?;
            report.close(None, calls, began.elapsed_ms());
            Ok(report)
        }
        Purpose::Apply => {
            let lease = LeaseGuard::take(journal, flow.link(), flow.timing(), clock, stop).await?;
            run.stop = lease.stop().clone();
            let new = match flow.begin(&run).await {
                Ok(new) => new,
                Err(error) => {
                    lease.release().await;
                    return Err(error);
                }
            };
            let started = journal.runs().start(lease.lease(), &new, clock.now()).await;
            let id = match started {
                Ok(id) => id,
                Err(error) => {
                    lease.release().await;
                    return Err(error.into());
                }
            };
            run.write = Some(Write { journal, clock, lease, run: id });
            let ended = work_and_end(flow, &run, &began).await;
            if let Some(write) = run.write {
                write.lease.release().await;
            }
            ended
        }
    }
}

/// A run that may write: it ends in the journal, whatever happens.
async fn work_and_end<F: Flow>(mut flow: F, run: &Run<'_>, began: &Timer) -> Result<F::Report, F::Error> {
    let write = run.write().expect("a run that ends in the journal has begun there");
    let limit = flow.timing().limit;
    let worked = work(&mut flow, run).await;
    let finished = flow.finish(write).await;
    let calls = flow.moodle().call_counts();
    let ended = worked.and(finished).and_then(|()| flow.report());
    let row_calls = calls.iter().map(|call| call.calls).sum();
    match ended {
        Ok(mut report) => {
            report.close(Some(write.run.clone()), calls, began.elapsed_ms());
            let state = report.state();
            if run.stop.is_cancelled() && *state != RunState::GuardRefused {
                *state = RunState::Stopped;
            }
            let state = *state;
            let mut reason = report.reason();
            if state == RunState::Stopped {
                reason = stop_reason(began, limit, &reason);
            }
            write.end(state, Counts { calls: row_calls, ..report.counts() }, &reason).await?;
            Ok(report)
        }
        Err(error) => {
            let state = F::state_after(&error);
            let reason = match state {
                RunState::Stopped => stop_reason(began, limit, ""),
                _ => with_causes(&error),
            };
            let counts = Counts { calls: row_calls, ..Counts::default() };
            if let Err(second) = write.end(state, counts, &reason).await {
                tracing::error!(error = %second, "the end of a run could not be recorded; the next one notices");
            }
            Err(error)
        }
    }
}

/// collect → plan → guard → record → apply, part by part. What a dry run does not do is what stands under `write`.
async fn work<F: Flow>(flow: &mut F, run: &Run<'_>) -> Result<(), F::Error> {
    let mut said = Vec::new();
    // What only reads is given up at once where a stop is asked for.
    while let Some(read) = run.stop.run_until_cancelled(Box::pin(flow.collect(run))).await {
        let Some(world) = read? else { break };
        let (plan, findings) = flow.plan(&world, run.clock.now())?;
        let mut decided = decide(flow, run, plan, findings).await?;
        let is_held = decided.cleared.is_none();
        match run.write() {
            None => flow.show(world, decided),
            Some(write) => {
                if let Some(cleared) = &decided.cleared {
                    flow.prove(&world, cleared.plan()).await?;
                }
                let intents = flow.intents(&decided.plan);
                write.store(&mut decided, intents, &mut said).await?;
                flow.apply(write, world, decided).await?;
            }
        }
        if is_held || run.stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}

/// What the guards and the people who approve say to a plan.
async fn decide<F: Flow>(
    flow: &F,
    run: &Run<'_>,
    plan: F::Plan,
    findings: Vec<Finding>,
) -> Result<Decided<F::Plan>, F::Error> {
    let now = run.clock.now();
    let found = if flow.is_approvable() { run.journal.plans().approval(flow.link(), now).await? } else { None };
    let (number, approval) = found.unzip();
    let cleared = clear(plan.clone(), plan.digest(), findings.clone(), approval.as_ref(), now).ok();
    let approval = number.filter(|_| cleared.as_ref().and_then(Cleared::approved_by).is_some());
    Ok(Decided { plan, findings, cleared, waiting: None, approval })
}

impl Write<'_> {
    /// The plan and the intents, before any effect. Where there is neither a change nor anything to approve, only what was
    /// found, each thing once a run.
    async fn store<P: Plan>(
        &self,
        decided: &mut Decided<P>,
        intents: Vec<Intent>,
        said: &mut Vec<Finding>,
    ) -> Result<(), JournalError> {
        let Decided { plan, findings, cleared, approval, .. } = decided;
        let now = self.clock.now();
        if plan.is_empty() && cleared.is_some() {
            let new: Vec<&Finding> = findings.iter().filter(|finding| !said.contains(finding)).collect();
            let events: Vec<NewEvent> =
                new.iter().map(|finding| NewEvent::of(EventKind::Finding, json!(finding))).collect();
            if !events.is_empty() {
                self.journal.runs().append_events(self.lease.lease(), &self.run, &events, now).await?;
                said.extend(new.into_iter().cloned().collect::<Vec<_>>());
            }
            return Ok(());
        }
        let body = serde_json::to_string(plan).expect("a plan is plain data");
        let (state, intents) = match cleared {
            Some(_) => (PlanState::Cleared, intents),
            None => (PlanState::Blocked, Vec::new()),
        };
        let new = NewPlan { digest: &plan.digest(), body: &body, findings, state, approval: *approval };
        let id = self.journal.plans().store(self.lease.lease(), &self.run, &new, &intents, now).await?;
        decided.waiting = (state == PlanState::Blocked).then_some(id);
        Ok(())
    }

    async fn end(&self, state: RunState, counts: Counts, reason: &str) -> Result<(), JournalError> {
        let now = self.clock.now();
        self.journal.runs().finish(self.lease.lease(), &self.run, state, &counts, reason, now).await
    }
}

/// What a run says of the findings that hold it back.
pub(crate) fn blocks(findings: &[Finding]) -> String {
    let blocks = findings.iter().filter(|finding| finding.level == Level::Block);
    blocks.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a run that was stopped did not go on, before whatever else is to be said of it.
fn stop_reason(began: &Timer, limit: Option<Duration>, more: &str) -> String {
    let why = match limit.filter(|limit| began.elapsed() >= *limit) {
        Some(limit) => format!("{OVERDUE} {:#}", SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)),
        None => "it was asked to stop".to_owned(),
    };
    let more = if more.is_empty() { String::new() } else { format!("; {more}") };
    format!("{why} and stopped safely: the next run goes on where it ended{more}")
}
