//! History taken over from the original plugin: settled lines of the log, with its own words for action and status.
//!
//! The first line of a fingerprint is that of the feed's record, so that the record is recognised when it comes again. Further
//! lines of the same fingerprint (completions, repetitions by hand) are kept beside it. Taking the same history over twice
//! adds nothing. Whether a line tells how the person stands now is the caller's to say: history does not know when the learner
//! acted.

use super::applied::{self, AppliedTo};
use super::course_counts::{self, Moves, short_action};
use super::feed::{StoredRecord, keys};
use super::store::{Bulk, BulkRow, Column, Tx, args, row};
use super::{JournalError, Lease, Records, ms};
use jiff::Timestamp;
use rollbook_core::model::{
    ElmCourseId, EnrolState, FeedRecord, Fingerprint, Guid, LinkName, MoodleCourseId, MoodleUserId, RunId,
};
use rollbook_core::plan::AppliedState;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// A line of the original's log.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    /// The record, with the fingerprint that the original logged.
    pub record: FeedRecord,
    pub action: String,
    pub status: String,
    /// When the original logged it.
    pub at: Timestamp,
    /// The Moodle course, 0 where it was not found.
    pub course_id: MoodleCourseId,
    pub course_name: String,
    /// The account, 0 where there was none.
    pub user_id: MoodleUserId,
    /// The state that the person has since in the course, where the line tells it.
    pub applied: Option<AppliedState>,
}

/// What taking history over came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub new: u64,
    /// Lines that were there already.
    pub known: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    record: StoredRecord<'a>,
    #[serde(flatten)]
    history: LineRow<'a>,
}

row! {
    struct LineRow<'a> {
        line: String,
        action: &'a str,
        status: &'a str,
        at_ms: i64,
        course_id: MoodleCourseId,
        course_name: &'a str,
        user_id: MoodleUserId,
    }
}

impl BulkRow for Line<'_> {
    fn columns() -> Vec<Column> {
        [StoredRecord::columns(), LineRow::columns()].concat()
    }
}

const INSERT: &str = "
    INSERT INTO record (link, code, standing, reason, evidence, first_seen_ms, decided_ms, run, {columns})
    SELECT $2, 'imported', 'settled', 'taken over from the earlier system''s history', '{\"verdict\":\"imported\"}',
        r.at_ms, r.at_ms, $3, {values}
    FROM {rows} WHERE true
    ON CONFLICT (link, fingerprint, line) DO NOTHING RETURNING course, action, status";

const PEOPLE: &str = "
    INSERT INTO person (link, guid_fold, search, user_id, seen_ms)
    SELECT $2, r.guid_fold, r.person_search, r.user_id, r.at_ms FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold) DO UPDATE SET search = excluded.search, user_id = excluded.user_id,
        seen_ms = excluded.seen_ms
    WHERE excluded.seen_ms > person.seen_ms";

const COURSES: &str = "
    INSERT INTO course (link, course, course_id, name, short_name, search, seen_ms)
    SELECT $2, r.course, r.course_id, r.course_name, r.short_name, r.course_search, r.at_ms FROM {rows} WHERE true
    ON CONFLICT (link, course) DO UPDATE SET course_id = excluded.course_id, name = excluded.name,
        short_name = excluded.short_name, search = excluded.search, seen_ms = excluded.seen_ms
    WHERE excluded.seen_ms > course.seen_ms AND excluded.course_id > 0";

const TAKEN: &str = "
    SELECT record.fingerprint, record.action, record.at_ms FROM {rows}
    {join} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''";

impl Records<'_> {
    /// Takes lines of history over, all or none; give them in the order of their times, some thousands at once.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn import_history(
        self,
        lease: &Lease,
        run: &RunId,
        rows: &[HistoryRow],
        now: Timestamp,
    ) -> Result<Imported, JournalError> {
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        super::feed::make_link(&mut tx, lease.link(), now).await?;
        let lines = lines(&mut tx, lease.link(), rows).await?;
        let link = lease.link().as_str();
        let mut moves = Moves::default();
        let stored = tx.bulk_rows(INSERT, &Bulk::pack(&lines), args![link, run.as_str()]).await?;
        for row in &stored {
            moves.enter(&row.text("course")?, &row.text("action")?, &row.text("status")?);
        }
        course_counts::shift(&mut tx, lease.link(), &moves).await?;
        let people: HashMap<&str, &Line<'_>> =
            lines.iter().map(|line| (line.record.guid_fold.as_str(), line)).collect();
        let people: Vec<_> = people.into_values().filter(|line| !line.record.guid_fold.is_empty()).collect();
        tx.bulk_run(PEOPLE, &Bulk::pack(&people), args![link]).await?;
        let courses: HashMap<&str, &Line<'_>> = lines.iter().map(|line| (line.record.course, line)).collect();
        let courses: Vec<_> = courses.into_values().filter(|line| !line.record.course.is_empty()).collect();
        tx.bulk_run(COURSES, &Bulk::pack(&courses), args![link]).await?;
        apply(&mut tx, lease.link(), rows, now).await?;
        tx.commit().await?;
        let new = stored.len() as u64;
        Ok(Imported { new, known: rows.len() as u64 - new })
    }
}

async fn apply(tx: &mut Tx, link: &LinkName, rows: &[HistoryRow], now: Timestamp) -> Result<(), JournalError> {
    let keys: Vec<(Guid, ElmCourseId)> = rows.iter().map(|row| (row.record.guid(), row.record.course())).collect();
    let states = rows.iter().zip(&keys).filter_map(|(row, (guid, course))| {
        let state = row.applied.as_ref()?;
        Some(AppliedTo { guid, course, state, user: row.user_id, course_id: row.course_id })
    });
    applied::put(tx, link, states, now).await?;
    // What the earlier system enrolled is this link's to end.
    let enrolled = |row: &HistoryRow| row.applied.as_ref().is_some_and(|state| state.state == EnrolState::Enrol);
    let made = rows.iter().zip(&keys).filter(|(row, _)| enrolled(row)).map(|(_, (guid, course))| (guid, course));
    applied::put_made(tx, link, made, now).await
}

/// Which line of its record each row is.
async fn lines<'a>(tx: &mut Tx, link: &LinkName, rows: &'a [HistoryRow]) -> Result<Vec<Line<'a>>, JournalError> {
    let fingerprints: HashSet<Fingerprint> = rows.iter().map(|row| row.record.fingerprint).collect();
    let fingerprints: Vec<Fingerprint> = fingerprints.into_iter().collect();
    let mut taken: HashMap<Fingerprint, (String, i64)> = HashMap::new();
    for row in tx.bulk_rows(TAKEN, &keys(&fingerprints), args![link.as_str()]).await? {
        let what = (row.text("action")?, row.int("at_ms")?);
        taken.insert(row.word("fingerprint", |hex| hex.parse().ok())?, what);
    }
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let HistoryRow { record, action, status, at, course_id, course_name, user_id, applied: _ } = row;
        let action = short_action(action.trim());
        let this = (action.to_owned(), ms(*at));
        let is_first = is_the_records_own(action, status)
            && *taken.entry(record.fingerprint).or_insert_with(|| this.clone()) == this;
        let line = if is_first { String::new() } else { format!("{action} {}", ms(*at)) };
        let stored = StoredRecord::of(record);
        let search = format!("{} {course_name}", stored.course_search).to_lowercase();
        lines.push(Line {
            record: StoredRecord { course_search: search, ..stored },
            history: LineRow {
                line,
                action,
                status: short_action(status.trim()),
                at_ms: ms(*at),
                course_id: *course_id,
                course_name,
                user_id: *user_id,
            },
        });
    }
    Ok(lines)
}

/// Whether a line is about the feed's record itself: not where the original logged something else under its fingerprint, and not
/// where the original failed, for it never tried again; we do when the feed gives the record again.
fn is_the_records_own(action: &str, status: &str) -> bool {
    action != "Complete" && status.trim() == "Success"
}
