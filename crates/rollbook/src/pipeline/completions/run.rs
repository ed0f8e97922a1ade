//! The flow on one screen: collect → plan → guard → record → send → report.

use super::ask::{make_asks, subjects};
use super::collect::{Seen, collect_completions, collect_courses, look_into};
use super::plan::{Made, collect_waiting, make_plan};
use super::report::{CompletionsError, CompletionsReport};
use super::{CompletionsFlow, CompletionsRequest, Courier, Delivered, FoundBy, Purpose, Reach, deliver_reports};
use crate::clock::Clock;
use crate::journal::{Asks, CompletionsRecord, Journal, Lease, NewPlan, NewRun, PlanState, PushedEvent};
use crate::pipeline::lease::{Heartbeat, take_lease};
use jiff::Timestamp;
use rollbook_core::desired::OptedCourse;
use rollbook_core::guard::{Level, clear};
use rollbook_core::model::RunId;
use rollbook_core::run::{Counts, RunKind, RunState};
use rollbook_core::verdict::Standing;
use std::error::Error as _;
use tokio_util::sync::CancellationToken;

/// So many pushed events are looked into in one run.
const EVENTS_MAX: u64 = 500;

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
    let timer = clock.timer();
    let mut report = match request.purpose {
        Purpose::DryRun => {
            let planned = look_and_plan(flow, journal, clock, request.reach).await?;
            let made = &planned.made;
            let refused = clear((), made.plan.digest(), made.findings.clone(), None, clock.now()).is_err();
            planned.report(if refused { RunState::GuardRefused } else { RunState::Done })
        }
        Purpose::Apply => {
            let lease = take_lease(journal, &flow.link, flow.lease, clock).await?;
            let heart = Heartbeat::start(journal, &lease, flow.lease, clock, stop);
            let leased = Leased { flow, journal, clock, lease: &lease, stop: heart.stop() };
            let report = run_leased(&leased, request).await;
            heart.end().await;
            report?
        }
    };
    report.duration_ms = timer.elapsed_ms();
    report.calls = flow.moodle.call_counts();
    Ok(report)
}

/// What a leased run works with.
pub(super) struct Leased<'a> {
    pub flow: &'a CompletionsFlow,
    pub journal: &'a Journal,
    pub clock: &'a Clock,
    pub lease: &'a Lease,
    pub stop: CancellationToken,
}

/// A run that may change things: it begins and ends in the journal, whatever happens between.
async fn run_leased(with: &Leased<'_>, request: &CompletionsRequest) -> Result<CompletionsReport, CompletionsError> {
    let Leased { flow, journal, clock, lease, stop } = with;
    let kind = if request.reach == Reach::Pushed { RunKind::Scoped } else { RunKind::Normal };
    let url = flow.moodle.site_url().to_owned();
    let new = NewRun { flow: "completions".to_owned(), kind, url, author: request.author.clone() };
    let run = journal.start_run(lease, &new, clock.now()).await?;
    let found = find_and_record(with, request.reach, &run).await;
    // Whatever Moodle said: what is due is sent.
    let courier = Courier { flow, journal, clock, lease, run: &run, stop, only: None };
    let delivered = deliver_reports(&courier).await;
    let ended = match (found, delivered) {
        (Ok(report), Ok(delivered)) => Ok(conclude(report, delivered, stop)),
        (Err(error), _) => Err(error),
        (Ok(_), Err(error)) => Err(error.into()),
    };
    let (state, counts, reason) = match &ended {
        Ok(report) => (report.state, counts(report), reason(report)),
        Err(error) => (RunState::Failed, Counts::default(), words(error)),
    };
    match (journal.finish_run(lease, &run, state, &counts, &reason, clock.now()).await, &ended) {
        (Err(error), Ok(_)) => return Err(error.into()),
        (Err(error), Err(_)) => {
            tracing::error!(%error, "the end of a run could not be recorded; the next one notices");
        }
        (Ok(()), _) => {}
    }
    ended.map(|report| CompletionsReport { run: Some(run), ..report })
}

/// What was seen and planned.
struct Planned {
    /// The opted courses, and as which of them they stay where a guard holds the plan back.
    opted: Vec<OptedCourse>,
    held_back: Vec<OptedCourse>,
    seen: Seen,
    made: Made,
    events: Vec<PushedEvent>,
    now: Timestamp,
}

/// Collect → plan → guard.
async fn look_and_plan(
    flow: &CompletionsFlow,
    journal: &Journal,
    clock: &Clock,
    reach: Reach,
) -> Result<Planned, CompletionsError> {
    let now = clock.now();
    let state = journal.completions_state(&flow.link).await?;
    let (looked, mut opted) = collect_courses(flow, journal, &state, now).await?;
    let held_back = opted.clone();
    let waiting = collect_waiting(flow, journal, &opted, now).await?;
    let mut seen = collect_completions(flow, journal, reach, &state, &mut opted, now).await?;
    let events = journal.pushed_events(&flow.link, EVENTS_MAX).await?;
    let pushed = look_into(flow, &events.iter().map(|event| (event.user, event.course)).collect()).await?;
    seen.count += pushed.count;
    seen.completions.extend(pushed.completions);
    seen.looked.extend(pushed.looked);
    seen.gaps.extend(pushed.gaps);
    if !matches!(flow.way, FoundBy::Database(_)) {
        // What was seen before the course reported has been weighed again just now.
        opted.iter_mut().for_each(|course| course.scanned_from = Some(course.reports_from(&flow.policy)));
    }
    let made = make_plan(flow, journal, &looked, &opted, &seen, waiting, clock.now()).await?;
    Ok(Planned { opted, held_back, seen, made, events, now })
}

/// Collect → plan → guard → record: from here on a report exists, whatever happens to the process.
async fn find_and_record(with: &Leased<'_>, reach: Reach, run: &RunId) -> Result<CompletionsReport, CompletionsError> {
    let Leased { flow, journal, clock, lease, .. } = with;
    let planned = look_and_plan(flow, journal, clock, reach).await?;
    let Planned { opted, held_back, seen, made, events, now } = &planned;
    let approval = journal.approval(&flow.link, clock.now()).await?;
    let (approved, approval) = approval.unzip();
    let cleared = clear((), made.plan.digest(), made.findings.clone(), approval.as_ref(), clock.now());
    let used = cleared.as_ref().ok().and_then(|cleared| cleared.approved_by()).and(approved);
    if !made.plan.reports.is_empty() {
        let state = if cleared.is_ok() { PlanState::Cleared } else { PlanState::Blocked };
        let body = serde_json::to_string(&made.plan).expect("a plan is plain data");
        let digest = made.plan.digest();
        let new = NewPlan { digest: &digest, body: &body, findings: &made.findings, state, approval: used };
        journal.store_plan(lease, run, &new, &[], clock.now()).await?;
    }
    let is_cleared = cleared.is_ok();
    let asks = make_asks(&made.plan, opted);
    let about = subjects(made.completions.keys());
    let record = CompletionsRecord {
        plan: &made.plan,
        cleared: is_cleared,
        seen: &made.completions,
        courses: if is_cleared { opted } else { held_back },
        checked: Some(*now),
        // What a guard held back must be found again.
        covered: seen.covered.filter(|_| is_cleared),
        full: seen.full.filter(|_| is_cleared),
        looked: if is_cleared { &seen.looked } else { &[] },
        asks: &asks,
        answers: if made.weighed_all && is_cleared { Asks::All } else { Asks::About(&about) },
    };
    let queued = journal.record_completions(lease, run, &record, clock.now()).await?;
    if is_cleared {
        journal.pushed_checked(events, clock.now()).await?;
    }
    let state = if is_cleared { RunState::Done } else { RunState::GuardRefused };
    let report = planned.report(state);
    Ok(CompletionsReport { queued: queued.reports, ..report })
}

impl Planned {
    fn report(self, state: RunState) -> CompletionsReport {
        let Made { plan, findings, gaps, .. } = self.made;
        CompletionsReport {
            run: None,
            state,
            plan,
            seen: self.seen.count,
            known: self.seen.known,
            queued: 0,
            gaps,
            findings,
            delivered: Delivered::default(),
            looks: self.seen.looked.len() as u64,
            calls: Vec::new(),
            duration_ms: 0,
        }
    }
}

fn conclude(report: CompletionsReport, delivered: Delivered, stop: &CancellationToken) -> CompletionsReport {
    let asked = report.plan.skips.iter().any(|skip| skip.why.standing() == Standing::Attention);
    let unfinished = asked || !report.gaps.is_empty() || delivered.refused + delivered.waiting > 0;
    let state = match report.state {
        RunState::Done if stop.is_cancelled() => RunState::Stopped,
        RunState::Done if unfinished => RunState::Partly,
        other => other,
    };
    CompletionsReport { state, delivered, ..report }
}

/// The run's row in numbers; what has no column of its own is in the reason.
fn counts(report: &CompletionsReport) -> Counts {
    let attention = |skip: &&rollbook_core::plan::CompletionSkip| skip.why.standing() == Standing::Attention;
    let errors = report.plan.skips.iter().filter(attention).count() as u64;
    Counts {
        records: report.seen,
        errors: errors + report.delivered.refused,
        skipped: report.known + report.plan.skips.len() as u64 - errors,
        waiting: report.delivered.waiting,
        ..Counts::default()
    }
}

fn reason(report: &CompletionsReport) -> String {
    let blocks = report.findings.iter().filter(|finding| finding.level == Level::Block);
    let mut words: Vec<String> = blocks.map(ToString::to_string).collect();
    let Delivered { accepted, refused, failed, .. } = report.delivered;
    if report.queued + accepted + refused + failed > 0 {
        words.push(format!(
            "{} queued, {accepted} accepted, {refused} refused, {failed} to be tried again",
            report.queued
        ));
    }
    words.join("; ")
}

/// An error with its causes, for the journal.
fn words(error: &CompletionsError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
