//! Runs and their events as people read them.

use super::RunKind;
use crate::store::{Row, args};
use crate::{JournalError, Maintenance, Runs};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, LinkName, RunId};
use rollbook_core::run::{Counts, EventKind, RunState};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its number: larger for later ones; a page goes on after it.
    pub number: i64,
    pub id: RunId,
    pub link: LinkName,
    /// `intake`, `completions` or `guilds`.
    pub flow: String,
    /// What it was asked to do.
    pub kind: RunKind,
    /// How it stands or ended.
    pub state: RunState,
    pub author: String,
    pub url: String,
    pub started: Timestamp,
    /// When it ended, if it did.
    pub ended: Option<Timestamp>,
    /// Which interval of record creation times it covered.
    pub covered: Option<(Timestamp, Timestamp)>,
    pub counts: Counts,
    /// Why it ended as it did, in words.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its number: larger for later ones.
    pub id: i64,
    /// Its run; none for an act of a person.
    pub run: Option<RunId>,
    pub link: LinkName,
    pub at: Timestamp,
    pub kind: EventKind,
    /// Who did it; empty for the run itself.
    pub author: String,
    /// The record that it is about.
    pub record: Option<Fingerprint>,
    /// The person that it is about, folded.
    pub guid_fold: Option<String>,
    /// The course that it is about.
    pub course: Option<ElmCourseId>,
    pub payload: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFilter {
    pub link: Option<LinkName>,
    pub flow: Option<String>,
    /// Begun at this moment or later.
    pub since: Option<Timestamp>,
    /// Older than the run of this number: the next page.
    pub before: Option<i64>,
    /// At most so many, the newest first.
    pub limit: u32,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self { link: None, flow: None, since: None, before: None, limit: 100 }
    }
}

pub(crate) const EVENT: &str = "id, run, link, at_ms, kind, author, record, guid_fold, course, payload";

impl Runs<'_> {
    /// Runs, the newest first.
    pub async fn list(self, filter: &RunFilter) -> Result<Vec<RunRow>, JournalError> {
        let RunFilter { link, flow, since, before, limit } = filter;
        let sql = "SELECT * FROM run
            WHERE number < $1 AND ($2 = '' OR link = $2) AND ($3 = '' OR flow = $3) AND started_ms >= $4
            ORDER BY number DESC LIMIT $5";
        let link = link.as_ref().map_or("", LinkName::as_str);
        let since = since.unwrap_or(Timestamp::MIN);
        let args =
            args![before.unwrap_or(i64::MAX), link, flow.as_deref().unwrap_or_default(), since, u64::from(*limit)];
        self.store.rows(sql, args).await?.iter().map(run_row).collect()
    }

    /// The run of an id, or of the beginning of an id that no other run shares.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Conflict`] where several runs begin so.
    pub async fn find(self, id: &str) -> Result<RunRow, JournalError> {
        let sql = "SELECT * FROM run WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2";
        let id = id.trim().to_ascii_lowercase();
        // Ids are made of hexadecimal digits and hyphens, all of which come before `g`.
        let rows = self.store.rows(sql, args![&id, format!("{id}g")]).await?;
        match rows.as_slice() {
            [row] => run_row(row),
            [first, _] if first.text("id")? == id => run_row(first),
            [] => Err(JournalError::NotFound { what: format!("run {id}") }),
            _ => Err(JournalError::Conflict { what: format!("several runs begin with {id}") }),
        }
    }

    /// The events of a run in their order, after the event of number `after` (0 for the first page).
    pub async fn events(self, run: &RunId, after: i64, limit: u32) -> Result<Vec<StoredEvent>, JournalError> {
        let sql = format!("SELECT {EVENT} FROM event WHERE run = $1 AND id > $2 ORDER BY id LIMIT $3");
        let rows = self.store.rows(&sql, args![run.as_str(), after, u64::from(limit)]).await?;
        rows.iter().map(event_row).collect()
    }

    /// What people did on a link, the newest first, before the event of number `before`.
    pub async fn acts(self, link: &LinkName, before: i64, limit: u32) -> Result<Vec<StoredEvent>, JournalError> {
        let sql = format!(
            "SELECT {EVENT} FROM event WHERE link = $1 AND author <> '' AND kind = 'acted' AND id < $2
             ORDER BY id DESC LIMIT $3"
        );
        let rows = self.store.rows(&sql, args![link.as_str(), before, u64::from(limit)]).await?;
        rows.iter().map(event_row).collect()
    }
}

impl Maintenance<'_> {
    /// Removes the events older than `before`, the one way in which events leave; at most `limit` in one go. Gives how many
    /// went. The act itself is recorded.
    pub async fn prune_events(
        self,
        before: Timestamp,
        by: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        tx.run("INSERT INTO retention (before_ms) VALUES ($1)", args![before]).await?;
        // The walk from the oldest event ends at the first that stays.
        let sql = "DELETE FROM event WHERE at_ms < $1 AND id IN (SELECT id FROM event WHERE id < COALESCE(
            (SELECT id FROM event WHERE at_ms >= $1 ORDER BY id LIMIT 1), 9223372036854775807) ORDER BY id LIMIT $2)";
        let gone = tx.run(sql, args![before, u64::from(limit)]).await?;
        tx.run("DELETE FROM retention", args![]).await?;
        if gone > 0 {
            let payload = serde_json::json!({"act": "retention", "before": before.to_string(), "events": gone});
            let event = super::NewEvent::of(EventKind::Acted, payload).by(by);
            super::append(&mut tx, None, &LinkName::new(""), &[event], now).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }
}

fn run_row(row: &Row) -> Result<RunRow, JournalError> {
    let covered = match (row.maybe_time("covered_from_ms")?, row.maybe_time("covered_to_ms")?) {
        (Some(from), Some(to)) => Some((from, to)),
        (Some(_) | None, _) => None,
    };
    Ok(RunRow {
        number: row.int("number")?,
        id: RunId::new(row.text("id")?),
        link: LinkName::new(row.text("link")?),
        flow: row.text("flow")?,
        kind: row.word("kind", RunKind::read)?,
        state: row.word("state", RunState::read)?,
        author: row.text("author")?,
        url: row.text("url")?,
        started: row.time("started_ms")?,
        ended: row.maybe_time("ended_ms")?,
        covered,
        counts: counts(row)?,
        reason: row.text("reason")?,
    })
}

/// The counts of a row that has their columns.
pub(crate) fn counts(row: &Row) -> Result<Counts, JournalError> {
    Ok(Counts {
        records: row.count("records")?,
        enrolled: row.count("enrolled")?,
        suspended: row.count("suspended")?,
        errors: row.count("errors")?,
        skipped: row.count("skipped")?,
        waiting: row.count("waiting")?,
        planned: row.count("planned")?,
        accounts: row.count("accounts")?,
        mails: row.count("mails")?,
        calls: row.count("calls")?,
    })
}

pub(crate) fn event_row(row: &Row) -> Result<StoredEvent, JournalError> {
    Ok(StoredEvent {
        id: row.int("id")?,
        run: row.maybe_text("run")?.map(RunId::new),
        link: LinkName::new(row.text("link")?),
        at: row.time("at_ms")?,
        kind: row.word("kind", EventKind::read)?,
        author: row.text("author")?,
        record: row.maybe_text("record")?.and_then(|hex| hex.parse().ok()),
        guid_fold: row.maybe_text("guid_fold")?,
        course: row.maybe_text("course")?.map(ElmCourseId::new),
        payload: row.json("payload")?,
    })
}

/// Every offset of a time zone is a multiple of this, so days of any zone can be added up from it.
const STEP_MS: i64 = 15 * 60 * 1000;

/// What the runs that began within a quarter of an hour came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    pub from: Timestamp,
    pub runs: u64,
    /// Put into a course or made active again.
    pub enrolled: u64,
    pub suspended: u64,
    /// Records that needed a human: the most that a run met, for each run meets them again until they are mended.
    pub errors: u64,
}

impl Runs<'_> {
    /// What the runs of a flow came to, of one link or all, begun between two moments: one entry for each quarter of an hour
    /// with a run, the oldest first.
    pub async fn stats(
        self,
        flow: &str,
        link: Option<&LinkName>,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<RunStats>, JournalError> {
        let sum = |column: &str| format!("CAST(SUM({column}) AS BIGINT) AS {column}");
        let (runs, enrolled, suspended, errors) = (sum("runs"), sum("enrolled"), sum("suspended"), sum("errors"));
        let sql = format!(
            "SELECT step, {runs}, {enrolled}, {suspended}, {errors} FROM (
                SELECT started_ms / {STEP_MS} AS step, COUNT(*) AS runs, {enrolled}, {suspended}, MAX(errors) AS errors
                FROM run WHERE flow = $1 AND started_ms >= $2 AND started_ms < $3 AND ($4 = '' OR link = $4)
                    AND kind <> 'import'
                GROUP BY started_ms / {STEP_MS}, link) AS of_link
             GROUP BY step ORDER BY 1"
        );
        let args = args![flow, from, until, link.map_or("", LinkName::as_str)];
        let rows = self.store.rows(&sql, args).await?;
        let read = |row: &Row| {
            let began = row.int("step")?.saturating_mul(STEP_MS);
            Ok(RunStats {
                from: Timestamp::from_millisecond(began).unwrap_or(Timestamp::MIN),
                runs: row.count("runs")?,
                enrolled: row.count("enrolled")?,
                suspended: row.count("suspended")?,
                errors: row.count("errors")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
