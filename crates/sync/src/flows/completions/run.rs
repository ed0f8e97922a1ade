//! The flow on one screen: collect → plan → guard → record → send → report.

use super::report::{CompletionsError, CompletionsReport};
use super::work::{Part, Work};
use super::{CompletionsFlow, CompletionsRequest, Courier, Delivered, Purpose, Reach, deliver_reports};
use crate::flows::lease::{Heartbeat, take_lease, told_stop};
use rollbook_clock::{Clock, Timer};
use rollbook_core::guard::Level;
use rollbook_core::model::RunId;
use rollbook_core::plan::CompletionSkip;
use rollbook_core::report::with_causes;
use rollbook_core::run::{Counts, RunKind, RunState};
use rollbook_core::verdict::Disposition;
use rollbook_journal::{Journal, Lease, NewRun};
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
    let timer = clock.timer();
    let mut report = match request.purpose {
        Purpose::DryRun => show_plan(flow, journal, clock, request.reach).await,
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

/// A dry run: collect → plan → guard. It records nothing and sends nothing.
async fn show_plan(
    flow: &CompletionsFlow,
    journal: &Journal,
    clock: &Clock,
    reach: Reach,
) -> Result<CompletionsReport, CompletionsError> {
    let mut work = Work::begin(flow, journal, clock, reach).await?;
    let part = work.next(usize::MAX).await?;
    Ok(part.map_or_else(|| CompletionsReport::empty(&flow.link, clock.now()), Part::into_report))
}

/// What a leased run works with.
pub(super) struct Leased<'a> {
    pub flow: &'a CompletionsFlow,
    pub journal: &'a Journal,
    pub clock: &'a Clock,
    pub lease: &'a Lease,
    pub stop: CancellationToken,
    pub began: &'a Timer,
}

/// A run that may change things: it begins and ends in the journal, whatever happens between.
async fn run_leased(with: &Leased<'_>, request: &CompletionsRequest) -> Result<CompletionsReport, CompletionsError> {
    let Leased { flow, journal, clock, lease, stop, began } = with;
    let kind = if request.reach == Reach::Pushed { RunKind::Scoped } else { RunKind::Normal };
    let url = flow.moodle.site_url().to_owned();
    let new = NewRun { flow: "completions".to_owned(), kind, url, author: request.author.clone() };
    let run = journal.runs().start(lease, &new, clock.now()).await?;
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
        Ok(report) if report.state == RunState::Stopped => {
            (report.state, counts(report), told_stop(began, flow.limit, &reason(report)))
        }
        Ok(report) => (report.state, counts(report), reason(report)),
        Err(error) => (RunState::Failed, Counts::default(), with_causes(error)),
    };
    match (journal.runs().finish(lease, &run, state, &counts, &reason, clock.now()).await, &ended) {
        (Err(error), Ok(_)) => return Err(error.into()),
        (Err(error), Err(_)) => {
            tracing::error!(%error, "the end of a run could not be recorded; the next one notices");
        }
        (Ok(()), _) => {}
    }
    ended.map(|report| CompletionsReport { run: Some(run), ..report })
}

/// Collect → plan → guard → record, part by part: from there on a report exists, whatever happens to the process.
async fn find_and_record(with: &Leased<'_>, reach: Reach, run: &RunId) -> Result<CompletionsReport, CompletionsError> {
    let Leased { flow, journal, clock, lease, stop, .. } = with;
    let mut report = CompletionsReport::empty(&flow.link, clock.now());
    // What only reads is given up at once where a stop is asked for.
    let Some(work) = stop.run_until_cancelled(Box::pin(Work::begin(flow, journal, clock, reach))).await else {
        return Ok(report);
    };
    let mut work = work?;
    while let Some(part) = stop.run_until_cancelled(Box::pin(work.next(PEOPLE_A_PART))).await {
        let Some(part) = part? else { break };
        let (part, queued) = part.record(&mut work, lease, run).await?;
        let held_back = part.state == RunState::GuardRefused;
        report = report.and(CompletionsReport { queued, ..part });
        if held_back || stop.is_cancelled() {
            break;
        }
    }
    Ok(report)
}

fn conclude(report: CompletionsReport, delivered: Delivered, stop: &CancellationToken) -> CompletionsReport {
    let asked = report.plan.skips.iter().any(|skip| skip.why.standing() == Disposition::Attention);
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
    let attention = |skip: &&CompletionSkip| skip.why.standing() == Disposition::Attention;
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
    let queued = report.queued;
    if queued + accepted + refused + failed > 0 {
        words.push(format!("{queued} queued, {accepted} accepted, {refused} refused, {failed} to be tried again"));
    }
    words.join("; ")
}
