//! Collect → plan → guard: what the feed said, which of it a run decides, and what would be done about it.

use super::collect::{World, collect_world};
use super::report::IntakeError;
use super::run::Leased;
use super::{Ask, IntakeFlow, IntakeRequest};
use rollbook_clock::Clock;
use rollbook_core::guard::{Finding, IntakeView, check_intake};
use rollbook_core::model::{FeedRecord, Fingerprint, Guid, LinkName, RunId};
use rollbook_core::plan::{IntakeChange, IntakeInputs, IntakePlan, Intended, plan_intake};
use rollbook_core::policy::IntakePolicy;
use rollbook_core::run::{Disposition, OutcomeCode, standing};
use rollbook_core::snapshot::Snapshot;
use rollbook_core::window::{Window, covered_after};
use rollbook_elm::feed::collect_feed;
use rollbook_journal::{FeedRead, Journal, JournalError, WaitingRecord};
use rollbook_moodle::snapshot::{MoodleSourceError, read_administrators};
use std::collections::{BTreeMap, BTreeSet};

/// What the feed said.
pub(super) struct Read {
    pub records: Snapshot<Vec<FeedRecord>>,
    pub window: Option<Window>,
    pub count: u64,
}

impl Read {
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.records.value.iter().map(|record| record.fingerprint).collect()
    }
}

pub(super) async fn read_feed(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    ask: &Ask,
) -> Result<Read, IntakeError> {
    let now = clock.now();
    let covered = journal.links().covered(&flow.link).await?;
    let window = ask.window(covered, flow.window, now);
    let mut records = match (ask.query(window), ask) {
        (Some(query), _) => collect_feed(&flow.feed, &query, &flow.format, now).await?.records,
        (None, Ask::Stored(records)) => {
            let stored = journal.records().find(&flow.link, records, &flow.format.zone).await?;
            Snapshot::complete(now, stored.into_iter().map(|stored| stored.record).collect())
        }
        (None, Ask::Rows(rows)) => {
            let records = rows.iter().map(|row| flow.format.read(row)).collect();
            Snapshot::complete(now, records)
        }
        (None, _) => Snapshot::complete(now, Vec::new()),
    };
    records.value.retain(|record| ask.means(&record.fingerprint));
    let count = records.value.len() as u64;
    Ok(Read { records, window, count })
}

/// The records that a run decides.
pub(super) struct Taken {
    pub records: Vec<WaitingRecord>,
    pub known: u64,
}

impl Taken {
    /// The records, as complete as the reading was.
    pub fn as_of(&self, read: &Read) -> Snapshot<Vec<FeedRecord>> {
        let Snapshot { taken_at, gaps, .. } = &read.records;
        let value = self.records.iter().map(|waiting| waiting.record.clone()).collect();
        Snapshot { taken_at: *taken_at, gaps: gaps.clone(), value }
    }
}

/// Which of these stand in doubt since a run whose plan was cleared.
pub(super) fn known_doubts<'a>(codes: impl Iterator<Item = (&'a Fingerprint, OutcomeCode)>) -> BTreeSet<Fingerprint> {
    codes.filter(|(_, code)| code.doubts_identity()).map(|(record, _)| *record).collect()
}

/// Stores what was read, moves the covered moment with it, and takes up what is new and what is due.
pub(super) async fn take_up(
    with: &Leased<'_>,
    request: &IntakeRequest,
    run: &RunId,
    read: &Read,
) -> Result<Taken, IntakeError> {
    let Leased { flow, journal, clock, lease, .. } = with;
    let now = clock.now();
    let fingerprints = read.fingerprints();
    let covered_until = journal.links().state(&flow.link).await?.watermark;
    let watermark = match read.window {
        Some(window) if read.records.is_complete() => covered_after(covered_until, window, read.records.taken_at),
        _ => None,
    };
    let covered = read.window.map(|window| (window.since, window.until.unwrap_or(read.records.taken_at)));
    let feed = FeedRead { records: &read.records.value, covered, watermark };
    journal.records().ingest(lease, run, &feed, now).await?;

    let codes = journal.records().known(&flow.link, &fingerprints).await?;
    let open: Vec<Fingerprint> =
        codes.iter().filter(|(_, code)| standing(**code) != Disposition::Settled).map(|(record, _)| *record).collect();
    let zone = &flow.format.zone;
    let mut records =
        if open.is_empty() { Vec::new() } else { journal.records().find(&flow.link, &open, zone).await? };
    if request.ask.takes_up_waiting() {
        let listed: BTreeSet<Fingerprint> = open.iter().copied().collect();
        // What was read and is not due yet waits for its time; what is due and was not read is taken up.
        let due = journal.records().due(&flow.link, zone, now, flow.waiting_max.into()).await?;
        let is_due: BTreeSet<Fingerprint> = due.iter().map(|waiting| waiting.record.fingerprint).collect();
        records.retain(|waiting| is_due.contains(&waiting.record.fingerprint) || waiting.attempts == 0);
        records.extend(due.into_iter().filter(|waiting| !listed.contains(&waiting.record.fingerprint)));
    }
    Ok(Taken { records, known: (codes.len() - open.len()) as u64 })
}

/// A plan with what it was made from.
pub(super) struct Made {
    pub plan: IntakePlan,
    pub findings: Vec<Finding>,
    pub world: World,
}

/// Collect (Moodle's side) → plan → guard.
pub(super) async fn make_plan(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    records: &Snapshot<Vec<FeedRecord>>,
    known_doubts: &BTreeSet<Fingerprint>,
) -> Result<Made, IntakeError> {
    let people: Vec<Guid> =
        records.value.iter().filter(|record| record.reading.is_ok()).map(FeedRecord::guid).collect();
    let applied = journal.records().applied(&flow.link, &people).await?;
    let intended = intended(journal, &flow.link).await?;
    let newest = journal.records().newest(&flow.link, &people, &flow.format.zone).await?;
    let world = collect_world(flow, &records.value, &newest, clock.now()).await?;
    let inputs = IntakeInputs {
        link: &flow.link,
        records,
        known_doubts,
        applied: &applied,
        newest: &newest,
        directory: &world.directory,
        courses: &world.courses,
        enrolments: &world.enrolments,
        intended: &intended,
    };
    let now = clock.now();
    let policy = protect_administrators(flow).await?;
    let plan = plan_intake(&inputs, &policy, now);
    let view = IntakeView { plan: &plan, feed: &inputs, courses: &world.courses, policy: &policy, now };
    let findings = check_intake(&view);
    Ok(Made { plan, findings, world })
}

/// What an earlier run set out to do and did not record the end of.
async fn intended(journal: &Journal, link: &LinkName) -> Result<BTreeMap<Fingerprint, Intended>, JournalError> {
    let intents = journal.plans().unsettled_intents(link).await?;
    let changes = intents.into_iter().filter_map(|intent| match serde_json::from_value(intent.change) {
        Ok(IntakeChange::Enrol(enrol)) => Some((intent.record, Intended::Enrol(enrol.kind))),
        Ok(IntakeChange::Suspend(_)) => Some((intent.record, Intended::Suspend)),
        // What an older Rollbook meant in other words is looked at like any other record.
        Ok(IntakeChange::CreateAccount(_)) | Err(_) => None,
    });
    Ok(changes.collect())
}

/// The rules, with the site's administrators among the protected where the database names them.
async fn protect_administrators(flow: &IntakeFlow) -> Result<IntakePolicy, IntakeError> {
    let mut policy = flow.policy.clone();
    if let Some(database) = &flow.database {
        let administrators = read_administrators(database).await.map_err(MoodleSourceError::from)?;
        policy.protected.add_accounts(administrators);
    }
    Ok(policy)
}
