//! Figures of many runs, for charts and for the numbers beside the navigation; each from an index, whatever the age of the
//! journal.

use super::store::args;
use super::{Attention, JournalError, Runs};
use jiff::Timestamp;
use rollbook_core::model::LinkName;

/// Every offset of a time zone is a multiple of this, so days of any zone can be added up from it.
const STEP_MS: i64 = 15 * 60 * 1000;

/// What the runs that began within a quarter of an hour came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// When the quarter began.
    pub from: Timestamp,
    /// How many runs.
    pub runs: u64,
    /// Put into a course or made active again.
    pub enrolled: u64,
    /// Suspended in a course.
    pub suspended: u64,
    /// Records that needed a human: the most that a run met, for each run meets them again until they are mended.
    pub errors: u64,
}

impl Attention<'_> {
    /// Open attention items, and plans that wait for a person's word.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn open_counts(self) -> Result<(u64, u64), JournalError> {
        let sql = "SELECT (SELECT COUNT(*) FROM attention WHERE closed_ms IS NULL) AS items,
            (SELECT COUNT(*) FROM plan WHERE state = 'blocked') AS plans";
        let row = self.store.row(sql, args![]).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.count("items")?, row.count("plans")?)))
    }
}

impl Runs<'_> {
    /// What the runs of a flow came to, of one link or all, begun between two moments: one entry for each quarter of an hour
    /// with a run, the oldest first.
    ///
    /// # Errors
    /// Those of the database only.
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
        let read = |row: &super::store::Row| {
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
