//! How many records of each course came to what, kept beside the records so that no page counts millions of rows.
//!
//! A projection: whoever changes the action or status of a record moves the tally in the same transaction.

use super::store::{Bulk, Tx, args, row};
use super::{JournalError, Records};
use rollbook_core::model::{ElmCourseId, LinkName, MoodleCourseId};
use std::collections::BTreeMap;

/// Records that leave one box and enter another.
#[derive(Default)]
pub(super) struct Moves(BTreeMap<(String, String, String), i64>);

impl Moves {
    pub fn enter(&mut self, course: &str, action: &str, status: &str) {
        self.shift(course, action, status, 1);
    }

    pub fn leave(&mut self, course: &str, action: &str, status: &str) {
        self.shift(course, action, status, -1);
    }

    pub fn shift(&mut self, course: &str, action: &str, status: &str, by: i64) {
        *self.0.entry((course.to_owned(), action.to_owned(), status.to_owned())).or_default() += by;
    }
}

row! {
    struct MoveRow<'a> {
        course: &'a str,
        action: &'a str,
        status: &'a str,
        shift: i64,
    }
}

const SHIFT: &str = "
    INSERT INTO tally (link, course, action, status, total)
    SELECT $2, r.course, r.action, r.status, r.shift FROM {rows} WHERE true
    ON CONFLICT (link, course, action, status) DO UPDATE SET total = tally.total + excluded.total";

/// Moves the tally inside the transaction that changes the records.
pub(super) async fn shift(tx: &mut Tx, link: &LinkName, moves: &Moves) -> Result<(), JournalError> {
    let rows: Vec<MoveRow<'_>> = moves
        .0
        .iter()
        .filter(|(_, shift)| **shift != 0)
        .map(|((course, action, status), shift)| MoveRow { course, action, status, shift: *shift })
        .collect();
    tx.bulk_run(SHIFT, &Bulk::pack(&rows), args![link.as_str()]).await?;
    Ok(())
}

/// The first characters of an action word: the original's column holds 20.
pub(super) fn short_action(action: &str) -> &str {
    action.char_indices().nth(20).map_or(action, |(end, _)| &action[..end])
}

/// What the records of one course came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseCounts {
    pub link: LinkName,
    /// The course, as the ELM names it.
    pub course: ElmCourseId,
    /// The Moodle course, 0 where none was found.
    pub course_id: MoodleCourseId,
    /// Its full name, empty where none was found.
    pub name: String,
    /// The class code of its newest record.
    pub short_name: String,
    /// Records by action and status, as the log shows them.
    pub totals: BTreeMap<(String, String), u64>,
}

impl Records<'_> {
    /// What the records of each course came to, by course; of one link, or of all.
    pub async fn course_totals(self, link: Option<&LinkName>) -> Result<Vec<CourseCounts>, JournalError> {
        let sql = "
            SELECT tally.link, tally.course, tally.action, tally.status, tally.total,
                COALESCE(course.course_id, 0) AS course_id, COALESCE(course.name, '') AS name,
                COALESCE(course.short_name, '') AS short_name
            FROM tally LEFT JOIN course ON course.link = tally.link AND course.course = tally.course
            WHERE tally.total <> 0 AND ($1 = '' OR tally.link = $1) ORDER BY tally.link, tally.course";
        let mut courses: Vec<CourseCounts> = Vec::new();
        for row in self.store.rows(sql, args![link.map_or("", LinkName::as_str)]).await? {
            let (link, course) = (LinkName::new(row.text("link")?), ElmCourseId::new(row.text("course")?));
            if courses.last().is_none_or(|last| (&last.link, &last.course) != (&link, &course)) {
                courses.push(CourseCounts {
                    link,
                    course,
                    course_id: MoodleCourseId(row.int("course_id")?),
                    name: row.text("name")?,
                    short_name: row.text("short_name")?,
                    totals: BTreeMap::new(),
                });
            }
            if let Some(last) = courses.last_mut() {
                last.totals.insert((row.text("action")?, row.text("status")?), row.count("total")?);
            }
        }
        Ok(courses)
    }
}
