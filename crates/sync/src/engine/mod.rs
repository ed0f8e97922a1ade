//! One engine for every flow: lease → run row → collect → plan → guard → record → apply → settle → report.
//!
//! # How to write a flow
//! A flow is one folder under `flows/` with a type that implements [`Flow`] for one run, and a public function that makes
//! that value and gives it to [`run`]. It supplies
//! - [`Flow::begin`]: what the journal knows, and the words of the run's row;
//! - [`Flow::collect`]: one part of the world at a time. It only reads remote systems; what it has read it may store by
//!   [`Run::write`], which a dry run does not have. Whom Moodle must never touch it adds with [`protect`];
//! - [`Flow::plan`] and [`Flow::check`]: core's planner and core's checks over that part; pure. What a check blocks waits for
//!   a person, the rest is applied;
//! - [`Flow::intents`] and [`Flow::prove`]: what is said, and what is proven, before the first effect;
//! - [`Flow::apply`]: the cleared changes → Moodle, by [`send_and_record`], and their outcomes → the journal;
//! - [`Flow::finish`]: what is done at the end whatever happened before;
//! - [`Flow::report`]: what the run came to.
//!
//! The engine owns the rest: the lease, the run's row, what is held back and what was approved, and the end of plans that
//! nobody wants any more. A dry run goes through the same code up to the first effect: what it shows is what a run at
//! that moment would do. A crash anywhere is the flow's to repair in its next run, from a fresh look at both sides.

mod lease;
mod protect;
mod send;

pub use lease::{LeaseGuard, Timing};
pub(crate) use protect::{FIRST_ADMINISTRATOR, protect};
pub(crate) use send::{Sender, Sent, in_doubt, not_tried, send_and_record, settled};

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::{Clock, Timer};
use rollbook_core::guard::{Approval, Decision, Finding, Guarded, Level, decide};
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::report::with_causes;
use rollbook_core::run::{Counts, EventKind, OVERDUE, RunKind, RunState};
use rollbook_journal::{Intent, Journal, JournalError, NewEvent, NewPlan, NewRun, OpenPlan, PlanState};
use rollbook_moodle::client::{CallCount, MoodleClient};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
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
    type Plan: Guarded + Serialize;
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

    fn plan(&self, world: &Self::World, now: Timestamp) -> Result<Self::Plan, Self::Error>;

    /// What the checks say of a plan, or of a part of it.
    fn check(&self, world: &Self::World, plan: &Self::Plan, now: Timestamp) -> Vec<Finding>;

    /// Whether this run, once its reading is done, has looked at everything that a plan which waits is about.
    fn covers(&self, _plan: &OpenPlan, _kind: RunKind) -> bool {
        false
    }

    /// Whether a person's approval may let changes through that a check holds back.
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
    /// The plans that wait for a person, or for this run to use a person's approval.
    pub open: Vec<OpenPlan>,
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

/// A plan, and what of it may be applied.
pub(crate) struct Decided<P> {
    /// All that is wanted.
    pub plan: P,
    pub decision: Decision<P>,
    /// The stored plan that waits for a person because of this run.
    pub waiting: Option<i64>,
}

impl<P> Decided<P> {
    /// Whether something waits for a person.
    pub fn is_held(&self) -> bool {
        self.decision.waiting.is_some()
    }
}

/// What every stored plan says beyond itself.
#[derive(Serialize)]
struct Body<'a, P> {
    #[serde(flatten)]
    plan: &'a P,
    /// What an approval is of.
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    keys: BTreeSet<String>,
}

/// What an approval of a stored plan is of; nothing where an older Rollbook stored it, whose approvals lapse.
fn keys_of(plan: &OpenPlan) -> BTreeSet<String> {
    serde_json::from_str::<Keys>(&plan.body).map(|body| body.keys).unwrap_or_default()
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
    let mut run = Run { journal, clock, open: Vec::new(), stop: stop.clone(), write: None };
    match purpose {
        Purpose::DryRun => {
            let kind = begin(&mut flow, &mut run).await?.kind;
            work(&mut flow, &run, kind).await?;
            let calls = flow.moodle().call_counts();
            let mut report = flow.report()?;
            report.close(None, calls, began.elapsed_ms());
            Ok(report)
        }
        Purpose::Apply => {
            let lease = LeaseGuard::take(journal, flow.link(), flow.timing(), clock, stop).await?;
            run.stop = lease.stop().clone();
            let new = match begin(&mut flow, &mut run).await {
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
            let ended = work_and_end(flow, &run, new.kind, &began).await;
            if let Some(write) = run.write {
                write.lease.release().await;
            }
            ended
        }
    }
}

async fn begin<F: Flow>(flow: &mut F, run: &mut Run<'_>) -> Result<NewRun, F::Error> {
    run.open = run.journal.plans().open(flow.link()).await?;
    flow.begin(run).await
}

/// A run that may write: it ends in the journal, whatever happens.
async fn work_and_end<F: Flow>(
    mut flow: F,
    run: &Run<'_>,
    kind: RunKind,
    began: &Timer,
) -> Result<F::Report, F::Error> {
    let write = run.write().expect("a run that ends in the journal has begun there");
    let limit = flow.timing().limit;
    let worked = work(&mut flow, run, kind).await;
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
async fn work<F: Flow>(flow: &mut F, run: &Run<'_>, kind: RunKind) -> Result<(), F::Error> {
    let open = &run.open;
    let mut ended = Ended::default();
    // What only reads is given up at once where a stop is asked for.
    while let Some(read) = run.stop.run_until_cancelled(Box::pin(flow.collect(run))).await {
        let Some(world) = read? else {
            if let Some(write) = run.write() {
                write.retire(flow, open, &ended, kind).await?;
            }
            break;
        };
        let now = run.clock.now();
        let plan = flow.plan(&world, now)?;
        let approvals: Vec<Approval> = open.iter().filter(|_| flow.is_approvable()).filter_map(to_approval).collect();
        // What waits in a plan that this run does not look at as a whole is not done piece by piece meanwhile.
        let blocked = open.iter().filter(|plan| plan.approval.is_none() && !flow.covers(plan, kind));
        let reserved = blocked.flat_map(keys_of).collect();
        let check = |part: &F::Plan| flow.check(&world, part, now);
        let decision = decide(&plan, check, &approvals, &reserved, now);
        ended.wanted.extend(plan.keys());
        let mut decided = Decided { plan, decision, waiting: None };
        match run.write() {
            None => flow.show(world, decided),
            Some(write) => {
                let cleared = decided.decision.cleared.plan();
                flow.prove(&world, cleared).await?;
                let intents = flow.intents(cleared);
                write.store(&mut decided, intents, &mut ended).await?;
                flow.apply(write, world, decided).await?;
            }
        }
        if run.stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}

fn to_approval(plan: &OpenPlan) -> Option<Approval> {
    let (by, expires_at) = plan.approval.clone()?;
    Some(Approval { plan: plan.id, keys: keys_of(plan), by, expires_at })
}

/// What a run has dealt with, when its reading ends.
#[derive(Default)]
struct Ended {
    /// The keys of all changes that were wanted.
    wanted: BTreeSet<String>,
    /// The plans that it stored or used.
    plans: Vec<i64>,
    /// Whether it stored a plan that waits.
    holds: bool,
    /// What was said of it, each thing once.
    said: Vec<Finding>,
}

impl Write<'_> {
    /// What may be applied and what waits, as plans, with the intents, before any effect; and what was found.
    async fn store<P: Guarded + Serialize>(
        &self,
        decided: &mut Decided<P>,
        intents: Vec<Intent>,
        ended: &mut Ended,
    ) -> Result<(), JournalError> {
        let Decided { decision: Decision { cleared, waiting, findings, used, .. }, .. } = decided;
        ended.plans.extend(&*used);
        let cleared = cleared.plan();
        if !cleared.keys().is_empty() {
            let said = if waiting.is_some() { &[][..] } else { findings.as_slice() };
            self.store_one(cleared, said, PlanState::Cleared, used, &intents).await?;
        }
        if let Some(waiting) = waiting.as_ref().filter(|waiting| !waiting.approval_keys().is_empty()) {
            let id = self.store_one(waiting, findings, PlanState::Blocked, &[], &[]).await?;
            ended.plans.push(id);
            ended.holds = true;
            decided.waiting = Some(id);
        } else if cleared.keys().is_empty() {
            let new: Vec<Finding> = findings.iter().filter(|finding| !ended.said.contains(finding)).cloned().collect();
            let events: Vec<NewEvent> =
                new.iter().map(|finding| NewEvent::of(EventKind::Finding, json!(finding))).collect();
            if !events.is_empty() {
                let now = self.clock.now();
                self.journal.runs().append_events(self.lease.lease(), &self.run, &events, now).await?;
            }
            ended.said.extend(new);
        }
        Ok(())
    }

    async fn store_one<P: Guarded + Serialize>(
        &self,
        plan: &P,
        findings: &[Finding],
        state: PlanState,
        used: &[i64],
        intents: &[Intent],
    ) -> Result<i64, JournalError> {
        let body = Body { plan, keys: plan.approval_keys() };
        let body = serde_json::to_string(&body).expect("a plan is plain data");
        let new = NewPlan { digest: &plan.approval_digest(), body: &body, findings, state, used };
        self.journal.plans().store(self.lease.lease(), &self.run, &new, intents, self.clock.now()).await
    }

    /// Ends the plans that waited, that this run has looked at, and whose changes are wanted no longer, or wait in a plan of
    /// this run.
    async fn retire<F: Flow>(
        &self,
        flow: &F,
        open: &[OpenPlan],
        ended: &Ended,
        kind: RunKind,
    ) -> Result<(), JournalError> {
        let now = self.clock.now();
        let over = |plan: &&OpenPlan| !ended.plans.contains(&plan.id) && flow.covers(plan, kind);
        let state = |plan: &OpenPlan| {
            let waits = ended.holds && keys_of(plan).iter().any(|key| ended.wanted.contains(key));
            // An approval whose time is over ends, too: what it was of is asked about again.
            if waits { PlanState::Superseded } else { PlanState::Lapsed }
        };
        let retired: Vec<(i64, PlanState)> = open.iter().filter(over).map(|plan| (plan.id, state(plan))).collect();
        self.journal.plans().retire(self.lease.lease(), &self.run, &retired, now).await
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
