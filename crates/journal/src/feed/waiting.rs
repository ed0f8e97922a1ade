//! The records that a run must decide: new ones, and those whose next try is due.

use super::keys;
use super::stored::{FIELDS, rebuild};
use crate::store::{Row, args};
use crate::{JournalError, Records};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::model::{ElmCourseId, FeedRecord, Fingerprint, Guid, LinkName};
use rollbook_core::run::{Disposition, OutcomeCode, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// A record that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRecord {
    pub record: FeedRecord,
    /// How often it was decided with a new verdict, or tried again after trouble that may pass.
    pub attempts: u32,
    pub first_seen: Timestamp,
    pub code: OutcomeCode,
    /// The verdict before, with its evidence; none for a new record.
    pub verdict: Option<Verdict>,
}

const WAITING: &str = "record.attempts, record.first_seen_ms, record.code, record.evidence";

impl Records<'_> {
    /// The records of a link whose next try is due, the longest due first, at most `limit`. Dates without offset are taken
    /// in `zone`, the one that the feed is read with.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for a row of a newer Rollbook.
    pub async fn due(
        self,
        link: &LinkName,
        zone: &TimeZone,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<WaitingRecord>, JournalError> {
        let sql = format!(
            "SELECT {FIELDS}, {WAITING} FROM record
             WHERE link = $1 AND standing <> 'settled' AND next_try_ms <= $2 ORDER BY next_try_ms, id LIMIT $3"
        );
        let rows = self.store.rows(&sql, args![link.as_str(), now, limit]).await?;
        rows.iter().map(|row| waiting(row, zone)).collect()
    }

    /// How many records [`Self::due`] would give without a limit.
    pub async fn count_due(self, link: &LinkName, now: Timestamp) -> Result<u64, JournalError> {
        let sql = "SELECT COUNT(*) AS records FROM record
            WHERE link = $1 AND standing <> 'settled' AND next_try_ms <= $2";
        self.store.row(sql, args![link.as_str(), now]).await?.map_or(Ok(0), |row| row.count("records"))
    }

    /// How many records of a link are not settled, by how they stand; those that hold from a later day are not counted.
    pub async fn open(self, link: &LinkName) -> Result<BTreeMap<Disposition, u64>, JournalError> {
        let sql = "SELECT standing, COUNT(*) AS records FROM record
            WHERE link = $1 AND standing <> 'settled' AND code <> 'planned' GROUP BY standing";
        let rows = self.store.rows(sql, args![link.as_str()]).await?;
        rows.iter().map(|row| Ok((row.word("standing", Disposition::read)?, row.count("records")?))).collect()
    }

    /// The records of these people that hold from a later day: a record that comes meanwhile may take them back.
    ///
    /// # Errors
    /// As [`Records::due`].
    pub async fn planned(
        self,
        link: &LinkName,
        people: &[Guid],
        zone: &TimeZone,
    ) -> Result<Vec<WaitingRecord>, JournalError> {
        let folded: Vec<String> = people.iter().map(Guid::folded).collect::<BTreeSet<_>>().into_iter().collect();
        let sql = format!(
            "SELECT {FIELDS}, {WAITING} FROM {{rows}}
             {{join}} record ON record.link = $2 AND record.guid_fold = r.key AND record.code = 'planned'"
        );
        let rows = self.store.bulk_rows(&sql, &keys(&folded), args![link.as_str()]).await?;
        rows.iter().map(|row| waiting(row, zone)).collect()
    }

    /// The newest readable record of each of these people, by folded GUID, whatever became of it; what a person decided to
    /// ignore does not count.
    ///
    /// # Errors
    /// As [`Records::due`].
    pub async fn newest(
        self,
        link: &LinkName,
        people: &[Guid],
        zone: &TimeZone,
    ) -> Result<BTreeMap<String, FeedRecord>, JournalError> {
        let folded: Vec<String> = people.iter().map(Guid::folded).collect::<BTreeSet<_>>().into_iter().collect();
        let sql = format!(
            "SELECT {FIELDS} FROM {{rows}}
             {{join}} record ON record.id = (
                SELECT n.id FROM record n
                WHERE n.guid_fold = r.key AND n.link = $2 AND n.line = '' AND n.problem IS NULL
                    AND n.changed_ms IS NOT NULL AND n.code <> 'ignored'
                ORDER BY n.changed_ms DESC, n.created_ms DESC, n.id DESC LIMIT 1)"
        );
        let rows = self.store.bulk_rows(&sql, &keys(&folded), args![link.as_str()]).await?;
        let records = rows.iter().map(|row| rebuild(row, zone)).collect::<Result<Vec<_>, _>>()?;
        let readable = records.into_iter().filter(|record| record.reading.is_ok());
        Ok(readable.map(|record| (record.guid().folded(), record)).collect())
    }

    /// The records that were stored last, at most `limit`.
    ///
    /// # Errors
    /// As [`Records::due`].
    pub async fn latest(self, link: &LinkName, zone: &TimeZone, limit: u64) -> Result<Vec<FeedRecord>, JournalError> {
        let sql = format!("SELECT {FIELDS} FROM record WHERE link = $1 AND line = '' ORDER BY id DESC LIMIT $2");
        let rows = self.store.rows(&sql, args![link.as_str(), limit]).await?;
        rows.iter().map(|row| rebuild(row, zone)).collect()
    }

    /// These records of a link, settled or not; unknown ones are left out.
    ///
    /// # Errors
    /// As [`Records::due`].
    pub async fn find(
        self,
        link: &LinkName,
        records: &[Fingerprint],
        zone: &TimeZone,
    ) -> Result<Vec<WaitingRecord>, JournalError> {
        let sql = format!(
            "SELECT {FIELDS}, {WAITING} FROM {{rows}}
             {{join}} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''"
        );
        let rows = self.store.bulk_rows(&sql, &keys(records), args![link.as_str()]).await?;
        rows.iter().map(|row| waiting(row, zone)).collect()
    }
}

fn waiting(row: &Row, zone: &TimeZone) -> Result<WaitingRecord, JournalError> {
    Ok(WaitingRecord {
        record: rebuild(row, zone)?,
        attempts: u32::try_from(row.int("attempts")?).unwrap_or(u32::MAX),
        first_seen: row.time("first_seen_ms")?,
        code: row.word("code", OutcomeCode::read)?,
        // Evidence that an older Rollbook wrote in another form is no reason to forget the record.
        verdict: serde_json::from_str(&row.text("evidence")?).ok(),
    })
}

/// A course that records wait for by themselves, before a human is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedCourse {
    /// The course, as the ELM names it.
    pub course: ElmCourseId,
    /// Why: it is not found, or nobody can be enrolled in it.
    pub code: OutcomeCode,
    /// How many records wait for it.
    pub records: u64,
    /// Since when the first of them.
    pub since: Timestamp,
}

impl Records<'_> {
    /// The courses that records wait for: no Moodle course was found, or one in which nobody can be enrolled.
    pub async fn awaited_courses(self, link: &LinkName, limit: u32) -> Result<Vec<AwaitedCourse>, JournalError> {
        let sql = "
            SELECT course, code, COUNT(*) AS total, MIN(first_seen_ms) AS since_ms FROM record
            WHERE link = $1 AND standing = 'awaited' AND standing <> 'settled'
            GROUP BY course, code ORDER BY course, code LIMIT $2";
        let rows = self.store.rows(sql, args![link.as_str(), u64::from(limit)]).await?;
        rows.iter()
            .map(|row| {
                Ok(AwaitedCourse {
                    course: ElmCourseId::new(row.text("course")?),
                    code: row.word("code", OutcomeCode::read)?,
                    records: row.count("total")?,
                    since: row.time("since_ms")?,
                })
            })
            .collect()
    }

    /// When an Enrol or Suspend of the feed was seen last that had never been seen; history that was taken over does not
    /// count.
    pub async fn last_fed(self, link: &LinkName) -> Result<Option<Timestamp>, JournalError> {
        // Rows are numbered as they come; the words of the index `record_fed`.
        let sql = "SELECT first_seen_ms FROM record
            WHERE link = $1 AND line = '' AND code <> 'imported' AND state IN ('Enrol', 'Suspend')
            ORDER BY id DESC LIMIT 1";
        self.store.row(sql, args![link.as_str()]).await?.map(|row| row.time("first_seen_ms")).transpose()
    }
}
