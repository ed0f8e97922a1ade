//! What a run decides: the feed's records that are new, and the journal's whose time has come.

use super::report::IntakeError;
use super::{IntakeFlow, IntakeQuery};
use crate::engine::Write;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::guard::Finding;
use rollbook_core::model::{FeedRecord, Fingerprint, Guid};
use rollbook_core::run::{Disposition, OutcomeCode, disposition};
use rollbook_core::snapshot::{Gap, Snapshot};
use rollbook_core::window::{Covered, Window, WindowPolicy, covered_after, open_gap};
use rollbook_elm::client::FeedQuery;
use rollbook_elm::feed::{collect_feed, find_zone_difference};
use rollbook_journal::{FeedRead, Journal, JournalError, WaitingRecord};
use std::collections::{BTreeMap, BTreeSet};

/// What the feed is asked, chosen once: what is logged is what is sent.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub window: Option<Window>,
    feed: Option<FeedQuery>,
    covered: Covered,
    policy: WindowPolicy,
    /// By how much the window is wider, because the feed's clock is not that of the configured zone.
    widened: SignedDuration,
}

/// So many of the records that came last say what the feed's clock shows.
const LATEST: u64 = 20;

impl Question {
    pub async fn choose(
        flow: &IntakeFlow,
        journal: &Journal,
        query: &IntakeQuery,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let covered = journal.links().covered(&flow.link).await?;
        let window = query.window(covered, flow.window, now);
        let feed = query.feed_query(window);
        let widened = match &feed {
            Some(asked) if asked.has_window() && flow.feed.asks_local_times() => {
                let latest = journal.records().latest(&flow.link, &flow.format.zone, LATEST).await?;
                find_zone_difference(&latest, &flow.format.zone).map_or(SignedDuration::ZERO, SignedDuration::abs)
            }
            _ => SignedDuration::ZERO,
        };
        Ok(Self { window, feed, covered, policy: flow.window, widened })
    }

    /// Where the records come from, for people.
    pub fn url(&self, flow: &IntakeFlow, query: &IntakeQuery) -> String {
        self.feed.as_ref().map_or_else(|| query.place().to_owned(), |feed| flow.feed.make_url(feed, self.widened))
    }

    /// Reads the records from wherever they are.
    pub async fn read(
        &self,
        flow: &IntakeFlow,
        journal: &Journal,
        query: &IntakeQuery,
        now: Timestamp,
    ) -> Result<Snapshot<Vec<FeedRecord>>, IntakeError> {
        let mut records = match (&self.feed, query) {
            (Some(feed), _) => {
                let reading = collect_feed(&flow.feed, feed, &flow.format, now, self.widened).await?;
                if let Some(difference) = reading.zone_difference {
                    let zone = flow.format.zone.iana_name().unwrap_or("the configured zone");
                    tracing::warn!(
                        link = %flow.link,
                        "the feed's times differ from {zone} by {:#}; the window was widened by as much: \
                         set the site's timezone to that of the feed",
                        difference.abs()
                    );
                }
                reading.records
            }
            (None, IntakeQuery::Stored(records)) => {
                let stored = journal.records().find(&flow.link, records, &flow.format.zone).await?;
                Snapshot::complete(now, stored.into_iter().map(|stored| stored.record).collect())
            }
            (None, IntakeQuery::Rows(rows)) => {
                let records = rows.iter().map(|row| flow.format.read(row)).collect();
                Snapshot::complete(now, records)
            }
            (None, _) => Snapshot::complete(now, Vec::new()),
        };
        records.value.retain(|record| query.means(&record.fingerprint));
        Ok(records)
    }

    /// The stretch before the window that nobody has read, for people.
    pub fn unread(&self) -> Option<Gap> {
        let (from, until) = open_gap(self.covered, self.policy, self.window?)?;
        Some(Gap::Unread { from, until })
    }

    /// Stores what was read, and moves the covered moment with it.
    pub async fn store(
        &self,
        write: &Write<'_>,
        read: &Snapshot<Vec<FeedRecord>>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let watermark = match self.window {
            Some(window) if read.is_complete() => covered_after(self.covered, self.policy, window, read.taken_at),
            _ => None,
        };
        let covered = self.window.map(|window| (window.since, window.until.unwrap_or(read.taken_at)));
        let feed = FeedRead { records: &read.value, covered, watermark };
        write.journal.records().ingest(write.lease.lease(), &write.run, &feed, now).await?;
        Ok(())
    }
}

/// The records that a run decides.
pub(super) struct Taken {
    pub records: Vec<WaitingRecord>,
    /// Records that were read, those that were settled before included.
    pub read: u64,
    /// Those that were settled before.
    pub settled: u64,
    /// Records that wait, and that this run does not take up, by how they stand.
    pub left: BTreeMap<Disposition, u64>,
    /// Of these, the ones whose time has come.
    left_due: u64,
    pub taken_at: Timestamp,
    pub gaps: Vec<Gap>,
}

impl Taken {
    /// Of what was read, what is new or open; and, where the query takes up what waits, what is due and what a guard holds
    /// back. What was read and is not due yet waits for its time.
    pub async fn choose(
        flow: &IntakeFlow,
        journal: &Journal,
        query: &IntakeQuery,
        read: Snapshot<Vec<FeedRecord>>,
        held: &BTreeSet<Fingerprint>,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let Snapshot { taken_at, gaps, value } = read;
        let count = value.len() as u64;
        // Where the feed gives one record twice, the later row counts.
        let mut rows = BTreeMap::new();
        value.into_iter().for_each(|record| drop(rows.insert(record.fingerprint, record)));
        let known = journal.records().known(&flow.link, &rows.keys().copied().collect::<Vec<_>>()).await?;
        let is_settled = |code: &OutcomeCode| disposition(*code) == Disposition::Settled;
        let settled = known.values().filter(|code| is_settled(code)).count() as u64;
        let open: Vec<Fingerprint> =
            known.iter().filter(|(_, code)| !is_settled(code)).map(|(record, _)| *record).collect();
        let zone = &flow.format.zone;
        let mut records =
            if open.is_empty() { Vec::new() } else { journal.records().find(&flow.link, &open, zone).await? };
        for waiting in &mut records {
            if let Some(row) = rows.get(&waiting.record.fingerprint) {
                waiting.record = row.clone();
            }
        }
        let (mut left, mut left_due) = (BTreeMap::new(), 0);
        if query.takes_up_waiting() {
            let listed: BTreeSet<Fingerprint> = open.iter().copied().collect();
            let due = journal.records().due(&flow.link, zone, now, flow.waiting_max.into()).await?;
            let due_count = due.len() as u64;
            let is_due: BTreeSet<Fingerprint> = due.iter().map(|waiting| waiting.record.fingerprint).collect();
            let is_taken = |record: &Fingerprint| is_due.contains(record) || held.contains(record);
            records.retain(|waiting| is_taken(&waiting.record.fingerprint) || waiting.attempts == 0);
            let also: Vec<Fingerprint> =
                held.iter().filter(|record| !listed.contains(record) && !is_due.contains(record)).copied().collect();
            let also = journal.records().find(&flow.link, &also, zone).await?;
            let also = also.into_iter().filter(|waiting| !is_settled(&waiting.code));
            let due = due.into_iter().filter(|waiting| !listed.contains(&waiting.record.fingerprint));
            records.extend(due.chain(also));
            if due_count >= u64::from(flow.waiting_max) {
                left_due = journal.records().count_due(&flow.link, now).await?.saturating_sub(due_count);
            }
            left = journal.records().open(&flow.link).await?;
            for waiting in &records {
                if let Some(count) = left.get_mut(&disposition(waiting.code)) {
                    *count = count.saturating_sub(1);
                }
            }
        }
        // What holds from a later day may be taken back by what comes now.
        let came = rows.values().chain(records.iter().map(|waiting| &waiting.record));
        let people: Vec<Guid> = came.filter(|record| record.reading.is_ok()).map(FeedRecord::guid).collect();
        let planned = journal.records().planned(&flow.link, &people, zone).await?;
        let taken: BTreeSet<Fingerprint> = records.iter().map(|waiting| waiting.record.fingerprint).collect();
        records.extend(planned.into_iter().filter(|waiting| !taken.contains(&waiting.record.fingerprint)));
        let new = rows.into_values().filter(|record| !known.contains_key(&record.fingerprint));
        records.extend(new.map(|record| WaitingRecord {
            record,
            attempts: 0,
            first_seen: now,
            code: OutcomeCode::Received,
            verdict: None,
        }));
        Ok(Self { records, read: count, settled, left, left_due, taken_at, gaps })
    }

    /// Says that more waits than one run takes up. What waits longest is taken up first, so that everything has its turn.
    pub fn left_out(&self) -> Option<Finding> {
        let count = self.left_due;
        let message =
            format!("records whose time has come and that this run does not take up: {count}; see `waiting_max`");
        (count > 0).then(|| Finding::warn("waiting_max", "run", message))
    }

    /// The records, as complete as the reading was.
    pub fn snapshot(&self) -> Snapshot<Vec<FeedRecord>> {
        let value = self.records.iter().map(|waiting| waiting.record.clone()).collect();
        Snapshot { taken_at: self.taken_at, gaps: self.gaps.clone(), value }
    }
}
