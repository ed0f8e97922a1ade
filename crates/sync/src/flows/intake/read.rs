//! What a run decides: the feed's records that are new, and the journal's whose time has come.

use super::report::IntakeError;
use super::{IntakeFlow, IntakeQuery};
use crate::engine::Write;
use jiff::Timestamp;
use rollbook_core::model::{FeedRecord, Fingerprint, Guid, read_record};
use rollbook_core::run::{Disposition, OutcomeCode, disposition};
use rollbook_core::snapshot::{Gap, Snapshot};
use rollbook_core::window::{Window, covered_after};
use rollbook_elm::client::FeedQuery;
use rollbook_elm::feed::collect_feed;
use rollbook_journal::{FeedRead, Journal, JournalError, WaitingRecord};
use std::collections::{BTreeMap, BTreeSet};

/// What the feed is asked, chosen once: what is logged is what is sent.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub window: Option<Window>,
    feed: Option<FeedQuery>,
    covered_until: Option<Timestamp>,
}

impl Question {
    pub async fn choose(
        flow: &IntakeFlow,
        journal: &Journal,
        query: &IntakeQuery,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let covered = journal.links().covered(&flow.link).await?;
        let window = query.window(covered, flow.window, now);
        Ok(Self { window, feed: query.feed_query(window), covered_until: covered.until })
    }

    /// Where the records come from, for people.
    pub fn url(&self, flow: &IntakeFlow, query: &IntakeQuery) -> String {
        self.feed.as_ref().map_or_else(|| query.place().to_owned(), |feed| flow.feed.make_url(feed))
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
            (Some(feed), _) => collect_feed(&flow.feed, feed, &flow.format, now).await?.records,
            (None, IntakeQuery::Stored(records)) => {
                let stored = journal.records().find(&flow.link, records, &flow.format.zone).await?;
                Snapshot::complete(now, stored.into_iter().map(|stored| stored.record).collect())
            }
            (None, IntakeQuery::Rows(rows)) => {
                let records = rows.iter().map(|row| read_record(row, &flow.format.names, &flow.format.zone)).collect();
                Snapshot::complete(now, records)
            }
            (None, _) => Snapshot::complete(now, Vec::new()),
        };
        records.value.retain(|record| query.means(&record.fingerprint));
        Ok(records)
    }

    /// Stores what was read, and moves the covered moment with it.
    pub async fn store(
        &self,
        write: &Write<'_>,
        read: &Snapshot<Vec<FeedRecord>>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let watermark = match self.window {
            Some(window) if read.is_complete() => covered_after(self.covered_until, window, read.taken_at),
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
    pub taken_at: Timestamp,
    pub gaps: Vec<Gap>,
}

impl Taken {
    /// Of what was read, what is new or open; and, where the query takes up what waits, what is due. What was read and is
    /// not due yet waits for its time.
    pub async fn choose(
        flow: &IntakeFlow,
        journal: &Journal,
        query: &IntakeQuery,
        read: Snapshot<Vec<FeedRecord>>,
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
        if query.takes_up_waiting() {
            let listed: BTreeSet<Fingerprint> = open.iter().copied().collect();
            let due = journal.records().due(&flow.link, zone, now, flow.waiting_max.into()).await?;
            let is_due: BTreeSet<Fingerprint> = due.iter().map(|waiting| waiting.record.fingerprint).collect();
            records.retain(|waiting| is_due.contains(&waiting.record.fingerprint) || waiting.attempts == 0);
            records.extend(due.into_iter().filter(|waiting| !listed.contains(&waiting.record.fingerprint)));
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
        Ok(Self { records, read: count, settled, taken_at, gaps })
    }

    /// The records, as complete as the reading was.
    pub fn snapshot(&self) -> Snapshot<Vec<FeedRecord>> {
        let value = self.records.iter().map(|waiting| waiting.record.clone()).collect();
        Snapshot { taken_at: self.taken_at, gaps: self.gaps.clone(), value }
    }
}
