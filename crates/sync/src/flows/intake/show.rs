//! The dry run: the same way as a real run, up to the guards. It holds no writer and records nothing.

use super::act::see;
use super::feed::{Made, Read, known_doubts, make_plan, read_feed};
use super::report::{IntakeError, IntakeReport};
use super::{IntakeFlow, IntakeRequest};
use rollbook_clock::Clock;
use rollbook_core::guard::Level;
use rollbook_core::model::{FeedRecord, Fingerprint};
use rollbook_core::run::{Counts, Disposition, OutcomeCode, RunState, standing};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{Journal, WaitingRecord};
use std::collections::{BTreeMap, BTreeSet};

/// collect → plan → guard
pub(super) async fn show_plan(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    request: &IntakeRequest,
) -> Result<IntakeReport, IntakeError> {
    let read = read_feed(flow, journal, clock, &request.ask).await?;
    let known = journal.records().known(&flow.link, &read.fingerprints()).await?;
    let is_settled =
        |record: &Fingerprint| known.get(record).is_some_and(|code| standing(*code) == Disposition::Settled);
    let Read { records, window, count, .. } = read;
    let settled = known.keys().filter(|record| is_settled(record)).count() as u64;
    let mut fresh: Vec<FeedRecord> =
        records.value.into_iter().filter(|record| !is_settled(&record.fingerprint)).collect();
    if request.ask.takes_up_waiting() {
        let due = journal.records().due(&flow.link, &flow.format.zone, clock.now(), flow.waiting_max.into()).await?;
        let not_due = not_due(flow, journal, &known, &due).await?;
        fresh.retain(|record| !not_due.contains(&record.fingerprint));
        let listed: BTreeSet<Fingerprint> = fresh.iter().map(|record| record.fingerprint).collect();
        fresh.extend(
            due.into_iter().map(|waiting| waiting.record).filter(|record| !listed.contains(&record.fingerprint)),
        );
    }
    let records = Snapshot { taken_at: records.taken_at, gaps: records.gaps, value: fresh };
    let doubts = known_doubts(known.iter().map(|(record, code)| (record, *code)));
    let made = make_plan(flow, journal, clock, &records, &doubts).await?;
    see(flow, &made).await?;
    let Made { plan, findings, .. } = made;
    let refused = findings.iter().any(|finding| finding.level == Level::Block);
    let counts = Counts { records: count, skipped: settled, ..Counts::default() };
    let state = if refused { RunState::GuardRefused } else { RunState::Done };
    let verdicts = plan.skips.iter().map(|skip| skip.verdict.clone()).collect();
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
        known: settled,
        calls: Vec::new(),
        duration_ms: 0,
    })
}

/// What was tried before and is to be tried again later: a run that reads it once more leaves it alone, too.
async fn not_due(
    flow: &IntakeFlow,
    journal: &Journal,
    known: &BTreeMap<Fingerprint, OutcomeCode>,
    due: &[WaitingRecord],
) -> Result<BTreeSet<Fingerprint>, IntakeError> {
    let due: BTreeSet<Fingerprint> = due.iter().map(|waiting| waiting.record.fingerprint).collect();
    let open = known.iter().filter(|(record, code)| standing(**code) != Disposition::Settled && !due.contains(record));
    let open: Vec<Fingerprint> = open.map(|(record, _)| *record).collect();
    let waiting = journal.records().find(&flow.link, &open, &flow.format.zone).await?;
    Ok(waiting.iter().filter(|waiting| waiting.attempts > 0).map(|waiting| waiting.record.fingerprint).collect())
}
