//! The learner log: one line for each record, newest first, searched and paged so that millions of lines stay quick.
//!
//! A page goes on after the key of its last line, never by counting lines. Every way in is an index; free text first finds
//! people and courses, which are few, and then their lines. Next: `query` for the statement, `search` for free text.

mod query;
mod search;

pub use query::{LogKey, LogOrder, LogQuery, LogSort, NotALogKey};

use super::feed::texts;
use super::store::Row;
use super::{JournalError, Links, Records};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use query::Where;
use rollbook_core::model::{Fingerprint, LinkName, MoodleCourseId, MoodleUserId, RecordText, RunId};
use rollbook_core::run::OutcomeCode;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    pub id: i64,
    pub link: LinkName,
    pub fingerprint: Fingerprint,
    /// Empty for the record's own line; else what tells another line about it apart.
    pub line: String,
    /// The record's texts, as the feed gave them.
    pub text: RecordText,
    /// The Moodle course, 0 where none was found.
    pub course_id: MoodleCourseId,
    pub course_name: String,
    /// The Moodle account, 0 where there is none.
    pub user_id: MoodleUserId,
    pub code: OutcomeCode,
    /// `settled`, `transient`, `awaited` or `attention`.
    pub standing: String,
    pub status: String,
    pub action: String,
    pub reason: String,
    /// How often it was tried.
    pub attempts: u64,
    pub first_seen: Timestamp,
    /// When it last came to something.
    pub at: Timestamp,
    /// When it is tried again.
    pub next_try: Option<Timestamp>,
    /// The run that decided it last, or stored it.
    pub run: RunId,
    /// The attention item that it waits behind.
    pub attention: Option<i64>,
}

/// Lines of the log, and where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    pub rows: Vec<LogRow>,
    /// The key of the next page, if there is more.
    pub next: Option<LogKey>,
}

/// The columns of a line.
pub(super) fn columns() -> String {
    format!(
        "record.id, record.link, record.line, {}, record.course_id, record.course_name, record.user_id, record.code,
         record.standing, record.status, record.action, record.reason, record.attempts, record.first_seen_ms,
         record.at_ms, record.next_try_ms, record.run, record.attention, record.guid_fold, record.mail_fold",
        super::feed::FIELDS
    )
}

pub(super) fn log_row(row: &Row) -> Result<LogRow, JournalError> {
    Ok(LogRow {
        id: row.int("id")?,
        link: LinkName::new(row.text("link")?),
        fingerprint: row.word("fingerprint", |hex| hex.parse().ok())?,
        line: row.text("line")?,
        text: texts(row)?,
        course_id: MoodleCourseId(row.int("course_id")?),
        course_name: row.text("course_name")?,
        user_id: MoodleUserId(row.int("user_id")?),
        code: row.word("code", OutcomeCode::read)?,
        standing: row.text("standing")?,
        status: row.text("status")?,
        action: row.text("action")?,
        reason: row.text("reason")?,
        attempts: row.count("attempts")?,
        first_seen: row.time("first_seen_ms")?,
        at: row.time("at_ms")?,
        next_try: row.maybe_time("next_try_ms")?,
        run: RunId::new(row.text("run")?),
        attention: row.maybe_int("attention")?,
    })
}

/// A line with the value that the page is ordered by.
struct Found {
    value: String,
    row: LogRow,
}

impl Records<'_> {
    /// A page of the log. Free text is matched as the original did: one that reads as a time finds the lines of ±2 minutes
    /// around it (a bare date: of that day); any other finds lines whose GUID, mail, names, course, class code, enrolment id,
    /// status or action contains it. With free text the lines are ordered by time, whatever order is asked for.
    pub async fn log(self, query: &LogQuery) -> Result<LogPage, JournalError> {
        let limit = usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX);
        let sort = if query.search.trim().is_empty() { query.sort } else { LogSort::Time };
        let mut found: Vec<Found> = Vec::new();
        for link in self.log_links(query).await? {
            let filters = search::filters(self.store, query, &link).await?;
            let followed = filters.into_iter().map(|filter| self.follow(query, sort, &link, filter));
            found.extend(try_join_all(followed).await?.into_iter().flatten());
        }
        found.sort_by(|left, right| key(left).cmp(&key(right)));
        if query.order == LogOrder::Descending {
            found.reverse();
        }
        found.dedup_by_key(|found| found.row.id);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| LogKey {
            value: last.value.clone(),
            at: last.row.at,
            id: last.row.id,
        });
        Ok(LogPage { rows: found.into_iter().map(|found| found.row).collect(), next })
    }

    async fn log_links(self, query: &LogQuery) -> Result<Vec<LinkName>, JournalError> {
        match &query.link {
            Some(link) => Ok(vec![link.clone()]),
            None => Links { store: self.store }.names().await,
        }
    }

    /// One page's worth of lines that one filter lets through.
    async fn follow(
        self,
        query: &LogQuery,
        sort: LogSort,
        link: &LinkName,
        filter: Where,
    ) -> Result<Vec<Found>, JournalError> {
        let (sql, keys, args) = query::statement(query, sort, link, filter);
        let rows = match keys {
            Some(keys) => self.store.bulk_rows(&sql, &keys, args).await?,
            None => self.store.rows(&sql, args).await?,
        };
        rows.iter()
            .map(|row| {
                let value = match sort {
                    LogSort::Time => String::new(),
                    LogSort::Guid | LogSort::Mail | LogSort::Course | LogSort::EnrolmentId => {
                        row.text(sort.column())?
                    }
                };
                Ok(Found { value, row: log_row(row)? })
            })
            .collect()
    }
}

/// What lines are ordered by, after the link's own order.
fn key(found: &Found) -> (&str, Timestamp, i64) {
    (&found.value, found.row.at, found.row.id)
}
