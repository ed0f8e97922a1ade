//! The flow on one screen: collect → plan → guard → record → apply → settle → report.

use super::act::{Clearance, apply, prove, remember_plan, see};
use super::feed::{Made, Read, known_doubts, make_plan, read_feed, take_up};
use super::record::Recorder;
use super::report::{IntakeError, IntakeReport};
use super::show::show_plan;
use super::{Ask, IntakeFlow, IntakeRequest, Purpose};
use crate::flows::lease::{Heartbeat, take_lease, told_stop};
use rollbook_clock::{Clock, Timer};
use rollbook_core::guard::{Level, clear};
use rollbook_core::model::{Fingerprint, RunId};
use rollbook_core::plan::{IntakeChange, IntakePlan, Skip};
use rollbook_core::report::with_causes;
use rollbook_core::run::{Counts, RunKind, RunState};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{Journal, Lease, NewRun};
use tokio_util::sync::CancellationToken;

/// Runs intake once.
///
/// # Errors
/// [`IntakeError`]; the run is in the journal with its reason, except where the journal itself failed.
pub async fn run_intake(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    request: &IntakeRequest,
    stop: &CancellationToken,
) -> Result<IntakeReport, IntakeError> {
    let timer = clock.timer();
    let mut report = match request.purpose {
        Purpose::DryRun => show_plan(flow, journal, clock, request).await,
        Purpose::Apply => {
            let lease = take_lease(journal, &flow.link, flow.lease, clock).await?;
            let heart = Heartbeat::start(journal, &lease, flow.lease, clock, stop).within(flow.limit);
            let leased = Leased { flow, journal, clock, lease: &lease, stop: heart.stop(), began: &timer };
            let report = run_leased(&leased, request).await;
            heart.end().await;
            report
        }
    }?;
    report.duration_ms = timer.elapsed_ms();
    report.calls = flow.moodle.call_counts();
    Ok(report)
}

/// What a leased run works with.
pub(super) struct Leased<'a> {
    pub flow: &'a IntakeFlow,
    pub journal: &'a Journal,
    pub clock: &'a Clock,
    pub lease: &'a Lease,
    pub stop: CancellationToken,
    pub began: &'a Timer,
}

/// A run that may change things: it begins and ends in the journal, whatever happens between.
async fn run_leased(with: &Leased<'_>, request: &IntakeRequest) -> Result<IntakeReport, IntakeError> {
    let Leased { flow, journal, clock, lease, stop, began } = with;
    let kind = if request.ask == Ask::New { RunKind::Normal } else { RunKind::Scoped };
    let url = shown_url(flow, journal, request, clock).await?;
    let new = NewRun { flow: "intake".to_owned(), kind, url, author: request.author.clone() };
    let run = journal.runs().start(lease, &new, clock.now()).await?;
    match work(with, request, &run).await {
        Ok(mut report) => {
            if stop.is_cancelled() && report.state != RunState::GuardRefused {
                report.state = RunState::Stopped;
            }
            let mut reason = report
                .findings
                .iter()
                .filter(|finding| finding.level == Level::Block)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ");
            if report.state == RunState::Stopped {
                reason = told_stop(began, flow.limit, &reason);
            }
            journal.runs().finish(lease, &run, report.state, &report.counts, &reason, clock.now()).await?;
            report.run = Some(run);
            Ok(report)
        }
        Err(error) => {
            let (state, reason) = match &error {
                IntakeError::Stopped => (RunState::Stopped, told_stop(began, flow.limit, "")),
                error => (RunState::Failed, with_causes(error)),
            };
            let ended = journal.runs().finish(lease, &run, state, &Counts::default(), &reason, clock.now()).await;
            if let Err(second) = ended {
                tracing::error!(error = %second, "the end of a run could not be recorded; the next one notices");
            }
            Err(error)
        }
    }
}

/// The question that will be put to the feed, for the journal.
async fn shown_url(
    flow: &IntakeFlow,
    journal: &Journal,
    request: &IntakeRequest,
    clock: &Clock,
) -> Result<String, IntakeError> {
    let covered = journal.links().covered(&flow.link).await?;
    let window = request.ask.window(covered, flow.window, clock.now());
    Ok(request.ask.query(window).map_or_else(|| request.ask.place().to_owned(), |query| flow.feed.make_url(&query)))
}

/// collect → plan → guard → record → apply (and settle) → report
async fn work(with: &Leased<'_>, request: &IntakeRequest, run: &RunId) -> Result<IntakeReport, IntakeError> {
    let Leased { flow, journal, clock, lease, stop, .. } = with;
    // What only reads is given up at once where a stop is asked for.
    let reading = stop.run_until_cancelled(Box::pin(read_feed(flow, journal, clock, &request.ask))).await;
    let read = reading.ok_or(IntakeError::Stopped)??;
    let taken = take_up(with, request, run, &read).await?;
    let records = taken.as_of(&read);
    let doubts = known_doubts(taken.records.iter().map(|waiting| (&waiting.record.fingerprint, waiting.code)));
    let reading = stop.run_until_cancelled(Box::pin(make_plan(flow, journal, clock, &records, &doubts))).await;
    let made = reading.ok_or(IntakeError::Stopped)??;
    // Before anything is settled: a token that sees too little finds nobody.
    let preflight = see(flow, &made).await?;
    let Made { plan, findings, world } = made;

    let mut recorder = Recorder {
        flow,
        journal,
        clock,
        lease,
        run,
        world: &world,
        records: taken.records.iter().map(|waiting| (waiting.record.fingerprint, waiting)).collect(),
        counts: Counts { records: read.count, skipped: taken.known, ..Counts::default() },
        verdicts: Vec::new(),
    };
    let (approved, approval) = journal.plans().approval(&flow.link, clock.now()).await?.unzip();
    let cleared = clear(plan.clone(), plan.digest(), findings.clone(), approval.as_ref(), clock.now());
    if let (Ok(cleared), Some(preflight)) = (&cleared, &preflight) {
        prove(flow, cleared.plan(), preflight).await?;
    }
    let clearance = match &cleared {
        Ok(cleared) => Clearance::Given { approval: approved.filter(|_| cleared.approved_by().is_some()) },
        Err(_) => Clearance::Refused,
    };
    remember_plan(with, run, &plan, &findings, clearance).await?;
    // Doubts of a refused plan are not known doubts yet: the guard must find them again.
    let (unsaid, said): (Vec<Skip>, Vec<Skip>) =
        plan.skips.iter().cloned().partition(|skip| cleared.is_err() && skip.verdict.code().doubts_identity());
    recorder.record_skips(&said).await?;

    let state = match cleared {
        Err(_) => {
            hold_back(&mut recorder, &plan, &unsaid).await?;
            RunState::GuardRefused
        }
        Ok(cleared) => {
            if let Some(preflight) = preflight.filter(|_| !cleared.plan().changes.is_empty()) {
                apply(with, &cleared, &preflight, &mut recorder).await?;
            }
            RunState::Done
        }
    };
    recorder.counts.calls = flow.moodle.call_counts().iter().map(|call| call.calls).sum();
    let Recorder { counts, verdicts, .. } = recorder;
    let unfinished = counts.waiting + counts.errors > 0;
    let state = if state == RunState::Done && unfinished { RunState::Partly } else { state };
    let Read { window, .. } = read;
    let Snapshot { gaps, value: records, .. } = records;
    Ok(IntakeReport {
        run: None,
        state,
        window,
        gaps,
        counts,
        plan,
        findings,
        records,
        verdicts,
        known: taken.known,
        calls: Vec::new(),
        duration_ms: 0,
    })
}

/// What a refused plan wanted waits, and so do the doubts that it found.
async fn hold_back(recorder: &mut Recorder<'_>, plan: &IntakePlan, unsaid: &[Skip]) -> Result<(), IntakeError> {
    let wanted = plan.changes.iter().filter_map(IntakeChange::record);
    let held: Vec<Fingerprint> = wanted.chain(unsaid.iter().map(|skip| skip.record)).collect();
    Ok(recorder.record_not_tried(&held, "a guard refused the plan").await?)
}
