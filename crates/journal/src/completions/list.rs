//! What people look at: completions with what became of them, newest first.

use super::seen::seen;
use crate::store::{Row, args};
use crate::{Completions, JournalError, ms};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, EnrolmentId, Guid, LinkName, SeenCompletion};
use rollbook_core::plan::Report;
use rollbook_core::run::{Delivery, DeliveryState};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletionQuery {
    /// Of one person: the folded GUID.
    pub guid: Option<String>,
    /// Of one course, as the ELM names it.
    pub course: Option<ElmCourseId>,
    /// In one state, as [`CompletionRow::standing`] names it.
    pub standing: Option<String>,
    /// Completed at this moment or later.
    pub since: Option<Timestamp>,
    /// After this one: the next page.
    pub after: Option<CompletionKeyset>,
    /// At most so many; 0 for none.
    pub limit: u64,
}

/// Where a page of completions begins: after this one. As text it fits into an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionKeyset {
    completed_ms: i64,
    id: i64,
}

impl fmt::Display for CompletionKeyset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.completed_ms, self.id)
    }
}

impl FromStr for CompletionKeyset {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (completed_ms, id) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self { completed_ms: completed_ms.parse()?, id: id.parse()? })
    }
}

/// A completion and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionRow {
    #[serde(skip)]
    pub id: i64,
    pub seen: SeenCompletion,
    /// The course, as the ELM names it.
    pub course: Option<ElmCourseId>,
    pub course_name: String,
    /// `waiting`, `skipped` or `marked`; of a report `due`, `sending`, `unknown`, `sent`, `refused` or `cancelled`.
    pub standing: String,
    /// Why it is not reported, as one word; empty where it is.
    pub code: String,
    /// Why, in words; of a report what it says.
    pub reason: String,
    /// The enrolment id that a person supplied.
    pub supplied: Option<EnrolmentId>,
    /// When it was seen first.
    pub seen_at: Timestamp,
    /// When the ELM accepted it.
    pub accepted_at: Option<Timestamp>,
    pub report: Option<CompletionReportRow>,
}

impl CompletionRow {
    /// Where the page after this one begins.
    pub fn keyset(&self) -> CompletionKeyset {
        CompletionKeyset { completed_ms: ms(self.seen.key.completed_at), id: self.id }
    }
}

/// A report of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionReportRow {
    /// Its number, by which it is sent again or cancelled.
    pub id: i64,
    pub report: Report,
    pub delivery: Delivery,
    pub queued_at: Timestamp,
    pub answer: String,
}

/// How many completions stand how, by [`CompletionRow::standing`].
pub type CompletionTotals = BTreeMap<String, u64>;

const STANDING: &str = "CASE WHEN c.state = 'reported' THEN COALESCE(o.state, 'due') ELSE c.state END";

const SELECT: &str = "
    SELECT c.id, c.user_id, c.course_id, c.completed_ms, c.seen_by, c.guid, c.mail, c.first_name, c.last_name, c.course,
        c.code, c.reason, c.supplied, c.seen_ms, c.accepted_ms, COALESCE(k.name, '') AS name,
        o.id AS outbox, o.state, o.attempts, o.next_ms, o.payload, o.created_ms, o.last_answer,";

const FROM: &str = "
    FROM completion c LEFT JOIN outbox o ON o.id = c.outbox
    LEFT JOIN opted_course k ON k.link = c.link AND k.course_id = c.course_id";

impl Completions<'_> {
    /// Completions of a link with what became of them, the latest completed first.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for what a newer Rollbook wrote.
    pub async fn list(self, link: &LinkName, query: &CompletionQuery) -> Result<Vec<CompletionRow>, JournalError> {
        let CompletionQuery { guid, course, standing, since, after, limit } = query;
        let sql = format!(
            "{SELECT} {STANDING} AS standing {FROM}
             WHERE c.link = $1 AND c.completed_ms >= $2 AND ($3 = '' OR c.guid_fold = $3) AND ($4 = '' OR c.course = $4)
                AND ($5 = '' OR {STANDING} = $5)
                AND (c.completed_ms, c.id) < ($6, $7)
             ORDER BY c.completed_ms DESC, c.id DESC LIMIT $8"
        );
        let guid = guid.as_deref().unwrap_or_default();
        let course = course.as_ref().map_or("", ElmCourseId::as_str);
        let since = since.map_or(i64::MIN, ms);
        let standing = standing.as_deref().unwrap_or_default();
        let (completed_ms, id) = after.map_or((i64::MAX, i64::MAX), |after| (after.completed_ms, after.id));
        let args = args![link.as_str(), since, guid, course, standing, completed_ms, id, *limit];
        let rows = self.store.rows(&sql, args).await?;
        rows.iter().map(read).collect()
    }

    /// The newest completions of a person, in one course or in all, on every link; the oldest first.
    pub(crate) async fn of_person(
        self,
        person: &Guid,
        course: Option<&ElmCourseId>,
        limit: u64,
    ) -> Result<Vec<CompletionRow>, JournalError> {
        let sql = format!(
            "{SELECT} {STANDING} AS standing {FROM} WHERE c.guid_fold = $1 AND ($2 = '' OR c.course = $2)
             ORDER BY c.id DESC LIMIT $3"
        );
        let rows = self.store.rows(&sql, args![person.folded(), course.map_or("", ElmCourseId::as_str), limit]).await?;
        rows.iter().rev().map(read).collect()
    }

    /// How many completions of a link stand how.
    pub async fn totals(self, link: &LinkName) -> Result<CompletionTotals, JournalError> {
        let sql =
            format!("SELECT {STANDING} AS standing, COUNT(*) AS total {FROM} WHERE c.link = $1 GROUP BY {STANDING}");
        let rows = self.store.rows(&sql, args![link.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("standing")?, row.int("total")?.unsigned_abs()))).collect()
    }
}

fn read(row: &Row) -> Result<CompletionRow, JournalError> {
    let report = match row.maybe_int("outbox")? {
        Some(id) => Some(CompletionReportRow {
            id,
            report: row.json("payload")?,
            delivery: Delivery {
                state: row.word("state", DeliveryState::read)?,
                attempts: u32::try_from(row.int("attempts")?).unwrap_or(u32::MAX),
                next: row.time("next_ms")?,
            },
            queued_at: row.time("created_ms")?,
            answer: row.text("last_answer")?,
        }),
        None => None,
    };
    Ok(CompletionRow {
        id: row.int("id")?,
        seen: seen(row)?,
        course: row.maybe_text("course")?.map(ElmCourseId::new),
        course_name: row.text("name")?,
        standing: row.text("standing")?,
        code: row.text("code")?,
        reason: row.text("reason")?,
        supplied: row.maybe_text("supplied")?.map(EnrolmentId::new),
        seen_at: row.time("seen_ms")?,
        accepted_at: row.maybe_time("accepted_ms")?,
        report,
    })
}
