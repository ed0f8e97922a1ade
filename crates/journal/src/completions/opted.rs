//! How a completions link stands, and the courses that opted in.

use crate::store::{Bulk, Row, Tx, args, row};
use crate::{Completions, JournalError, Lease, ms};
use jiff::Timestamp;
use rollbook_core::desired::OptedCourse;
use rollbook_core::model::{ElmCourseId, LinkName, MoodleCourseId};
use rollbook_core::run::Circuit;

/// How a completions link stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompletionsState {
    /// When the opt-ins were looked at last.
    pub checked: Option<Timestamp>,
    /// Up to which completion time the database was read.
    pub covered: Option<Timestamp>,
    /// When the database was read whole last.
    pub full: Option<Timestamp>,
    /// How the ELM stands with us.
    pub circuit: Circuit,
}

row! {
    struct CourseRow<'a> {
        course_id: i64,
        course: Option<&'a str>,
        name: &'a str,
        opted_ms: i64,
        withdrawn: i64,
        scanned_from_ms: Option<i64>,
    }
}

const STORE: &str = "
    INSERT INTO opted_course (link, {columns})
    SELECT $2, {values} FROM {rows} WHERE true
    ON CONFLICT (link, course_id) DO UPDATE SET course = excluded.course, name = excluded.name,
        opted_ms = excluded.opted_ms, withdrawn = excluded.withdrawn, scanned_from_ms = excluded.scanned_from_ms";

const MOVE: &str = "
    INSERT INTO completion_link (link, checked_ms, covered_ms, full_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (link) DO UPDATE SET checked_ms = COALESCE(excluded.checked_ms, completion_link.checked_ms),
        covered_ms = COALESCE(excluded.covered_ms, completion_link.covered_ms),
        full_ms = COALESCE(excluded.full_ms, completion_link.full_ms)";

/// Stores opted courses inside a transaction.
pub(super) async fn store(tx: &mut Tx, link: &LinkName, courses: &[OptedCourse]) -> Result<(), JournalError> {
    let rows: Vec<CourseRow<'_>> = courses
        .iter()
        .map(|OptedCourse { id, elm_id, full_name, opted_at, withdrawn, scanned_from }| CourseRow {
            course_id: id.0,
            course: elm_id.as_ref().map(ElmCourseId::as_str),
            name: full_name,
            opted_ms: ms(*opted_at),
            withdrawn: i64::from(*withdrawn),
            scanned_from_ms: scanned_from.map(ms),
        })
        .collect();
    tx.bulk_run(STORE, &Bulk::pack(&rows), args![link.as_str()]).await?;
    Ok(())
}

/// Moves what is given; what is not stays.
pub(super) async fn advance(
    tx: &mut Tx,
    link: &LinkName,
    checked: Option<Timestamp>,
    covered: Option<Timestamp>,
    full: Option<Timestamp>,
) -> Result<(), JournalError> {
    tx.run(MOVE, args![link.as_str(), checked, covered, full]).await?;
    Ok(())
}

fn course(row: &Row) -> Result<OptedCourse, JournalError> {
    Ok(OptedCourse {
        id: MoodleCourseId(row.int("course_id")?),
        elm_id: row.maybe_text("course")?.map(ElmCourseId::new),
        full_name: row.text("name")?,
        opted_at: row.time("opted_ms")?,
        withdrawn: row.int("withdrawn")? != 0,
        scanned_from: row.maybe_time("scanned_from_ms")?,
    })
}

impl Completions<'_> {
    /// How a completions link stands; one that never ran stands at its beginning.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for what a newer Rollbook wrote.
    pub async fn state(self, link: &LinkName) -> Result<CompletionsState, JournalError> {
        let sql = "SELECT checked_ms, covered_ms, full_ms, circuit FROM completion_link WHERE link = $1";
        let Some(row) = self.store.row(sql, args![link.as_str()]).await? else {
            return Ok(CompletionsState::default());
        };
        Ok(CompletionsState {
            checked: row.maybe_time("checked_ms")?,
            covered: row.maybe_time("covered_ms")?,
            full: row.maybe_time("full_ms")?,
            circuit: row.json("circuit")?,
        })
    }

    /// The courses that have opted in, now or before, by id.
    pub async fn opted_courses(self, link: &LinkName) -> Result<Vec<OptedCourse>, JournalError> {
        let sql = "SELECT course_id, course, name, opted_ms, withdrawn, scanned_from_ms FROM opted_course
            WHERE link = $1 ORDER BY course_id";
        let rows = self.store.rows(sql, args![link.as_str()]).await?;
        rows.iter().map(course).collect()
    }

    /// Remembers how the ELM stands with us.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn save_circuit(self, lease: &Lease, circuit: &Circuit) -> Result<(), JournalError> {
        let text = serde_json::to_string(circuit).expect("a circuit is plain data");
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        let sql = "INSERT INTO completion_link (link, circuit) VALUES ($1, $2)
            ON CONFLICT (link) DO UPDATE SET circuit = excluded.circuit";
        tx.run(sql, args![lease.link().as_str(), text]).await?;
        tx.commit().await
    }
}
