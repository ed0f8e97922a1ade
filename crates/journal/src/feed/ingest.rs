//! Records and the watermark that covers them, in one transaction.

use super::KNOWN_ENROLMENT_IDS;
use super::keys;
use super::stored::StoredRecord;
use crate::course_counts::{self, Moves, short_action};
use crate::runs::{NewEvent, append};
use crate::store::{Bulk, Tx, args, row};
use crate::{JournalError, Lease, Records};
use jiff::Timestamp;
use rollbook_core::model::{FeedRecord, Field, Fingerprint, LinkName, RunId};
use rollbook_core::run::EventKind;
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// What one read of the feed gave.
#[derive(Clone, Copy, Debug)]
pub struct FeedRead<'a> {
    /// The records, in the feed's order.
    pub records: &'a [FeedRecord],
    /// Which interval of creation times was asked for.
    pub covered: Option<(Timestamp, Timestamp)>,
    /// Up to where the feed is covered now; `None` leaves the watermark where it is. It never goes back.
    pub watermark: Option<Timestamp>,
}

/// What became of the records of one read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    pub new: u64,
    /// Stored before, or twice in this read.
    pub known: u64,
    /// Of the known ones: those that got another enrolment id.
    pub corrected: u64,
}

const INSERT: &str = "
    INSERT INTO record (link, code, standing, status, action, reason, evidence, first_seen_ms, at_ms, next_try_ms,
        run, {columns})
    SELECT $2, 'received', 'transient', 'Waiting', substr(r.state, 1, 20), 'not yet decided', '', $3, $3, $3, $4,
        {values} FROM {rows} WHERE true
    ON CONFLICT (link, fingerprint, line) DO NOTHING";

const INSERT_PEOPLE: &str = "
    INSERT INTO person (link, guid_fold, search, seen_ms)
    SELECT $2, r.guid_fold, r.person_search, $3 FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold) DO UPDATE SET search = excluded.search, seen_ms = excluded.seen_ms";

const INSERT_COURSES: &str = "
    INSERT INTO course (link, course, short_name, search, seen_ms)
    SELECT $2, r.course, r.short_name, r.course_search, $3 FROM {rows} WHERE true
    ON CONFLICT (link, course) DO UPDATE SET short_name = excluded.short_name, seen_ms = excluded.seen_ms";

const MOVE_WATERMARK: &str = "
    UPDATE link SET watermark_ms = $2 WHERE name = $1 AND (watermark_ms IS NULL OR watermark_ms < $2)";

const COVER: &str = "UPDATE run SET covered_from_ms = $2, covered_to_ms = $3, records = $4 WHERE id = $1";

const CORRECT: &str = "
    WITH meant AS MATERIALIZED (SELECT found.id, r.enrolment_id FROM {rows}
        {join} record AS found ON found.link = $2 AND found.fingerprint = r.fingerprint AND found.line = '')
    UPDATE record SET enrolment_id = meant.enrolment_id FROM meant
    WHERE record.id = meant.id";

row! {
    struct Correction<'a> {
        fingerprint: Fingerprint,
        enrolment_id: &'a str,
    }
}

impl Records<'_> {
    /// Stores what one read of the feed gave and moves the watermark, both or neither. A known record that comes with another
    /// enrolment id takes it over, with an event; where the feed gives one record twice, the later row's id counts.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn ingest(
        self,
        lease: &Lease,
        run: &RunId,
        read: &FeedRead<'_>,
        now: Timestamp,
    ) -> Result<Ingested, JournalError> {
        let FeedRead { records, covered, watermark } = *read;
        let link = lease.link();
        let last_wins: HashMap<Fingerprint, &FeedRecord> =
            records.iter().map(|record| (record.fingerprint, record)).collect();
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        let known = enrolment_ids(&mut tx, link, &last_wins).await?;
        let new = store_new(&mut tx, link, run, records, &last_wins, &known, now).await?;
        let corrected = correct(&mut tx, link, run, &last_wins, &known, now).await?;
        if let Some(watermark) = watermark {
            tx.run(MOVE_WATERMARK, args![link.as_str(), watermark]).await?;
        }
        if let Some((from, to)) = covered {
            tx.run(COVER, args![run.as_str(), from, to, records.len() as u64]).await?;
        }
        tx.commit().await?;
        Ok(Ingested { new, known: records.len() as u64 - new, corrected })
    }
}

async fn enrolment_ids(
    tx: &mut Tx,
    link: &LinkName,
    records: &HashMap<Fingerprint, &FeedRecord>,
) -> Result<HashMap<Fingerprint, String>, JournalError> {
    let fingerprints: Vec<Fingerprint> = records.keys().copied().collect();
    let rows = tx.bulk_rows(KNOWN_ENROLMENT_IDS, &keys(&fingerprints), args![link.as_str()]).await?;
    rows.iter().map(|row| Ok((row.word("fingerprint", |hex| hex.parse().ok())?, row.text("enrolment_id")?))).collect()
}

/// Stores the records that are not known, in the feed's order, with their people and courses.
async fn store_new(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    records: &[FeedRecord],
    last_wins: &HashMap<Fingerprint, &FeedRecord>,
    known: &HashMap<Fingerprint, String>,
    now: Timestamp,
) -> Result<u64, JournalError> {
    let mut seen = HashSet::new();
    let fresh = records
        .iter()
        .filter(|record| !known.contains_key(&record.fingerprint) && seen.insert(record.fingerprint))
        .filter_map(|record| last_wins.get(&record.fingerprint));
    let fresh: Vec<StoredRecord<'_>> = fresh.map(|record| StoredRecord::of(record)).collect();
    if fresh.is_empty() {
        return Ok(0);
    }
    let bulk = Bulk::pack(&fresh);
    let stored = tx.bulk_run(INSERT, &bulk, args![link.as_str(), now, run.as_str()]).await?;
    let people: HashMap<&str, &StoredRecord<'_>> = fresh.iter().map(|row| (row.guid_fold.as_str(), row)).collect();
    let people: Vec<_> = people.into_values().filter(|row| !row.guid_fold.is_empty()).collect();
    tx.bulk_run(INSERT_PEOPLE, &Bulk::pack(&people), args![link.as_str(), now]).await?;
    let courses: HashMap<&str, &StoredRecord<'_>> = fresh.iter().map(|row| (row.course, row)).collect();
    let courses: Vec<_> = courses.into_values().filter(|row| !row.course.is_empty()).collect();
    tx.bulk_run(INSERT_COURSES, &Bulk::pack(&courses), args![link.as_str(), now]).await?;
    let mut moves = Moves::default();
    for row in &fresh {
        moves.enter(row.course, short_action(row.state), "Waiting");
    }
    course_counts::shift(tx, link, &moves).await?;
    Ok(stored)
}

async fn correct(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    records: &HashMap<Fingerprint, &FeedRecord>,
    known: &HashMap<Fingerprint, String>,
    now: Timestamp,
) -> Result<u64, JournalError> {
    let mut rows = Vec::new();
    let mut events = Vec::new();
    for (fingerprint, before) in known {
        let Some(record) = records.get(fingerprint) else { continue };
        let after = record.get(Field::EnrolmentId).trim();
        if after.is_empty() || after == before {
            continue;
        }
        rows.push(Correction { fingerprint: *fingerprint, enrolment_id: after });
        events.push(NewEvent {
            record: Some(*fingerprint),
            guid: Some(record.guid()),
            course: Some(record.course()),
            ..NewEvent::of(EventKind::Corrected, json!({"field": "enrolment_id", "before": before, "after": after}))
        });
    }
    tx.bulk_run(CORRECT, &Bulk::pack(&rows), args![link.as_str()]).await?;
    append(tx, Some(run), link, &events, now).await?;
    Ok(rows.len() as u64)
}
