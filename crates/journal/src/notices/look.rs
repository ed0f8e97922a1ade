//! What judging needs to know of a link, in cheap questions: it is asked every minute.

use crate::store::args;
use crate::{JournalError, Records};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, LinkName};
use rollbook_core::run::OutcomeCode;

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
    ///
    /// # Errors
    /// Those of the database only.
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
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn last_fed(self, link: &LinkName) -> Result<Option<Timestamp>, JournalError> {
        // Rows are numbered as they come; the words of the index `record_fed`.
        let sql = "SELECT first_seen_ms FROM record
            WHERE link = $1 AND line = '' AND code <> 'imported' AND state IN ('Enrol', 'Suspend')
            ORDER BY id DESC LIMIT 1";
        self.store.row(sql, args![link.as_str()]).await?.map(|row| row.time("first_seen_ms")).transpose()
    }
}
