//! Numbers for those who watch from outside, each from an index or a tally: reading them costs no walk through the records.

use super::store::args;
use super::{Journal, JournalError};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalMetrics {
    /// Runs, by link, flow and state.
    pub runs: BTreeMap<(String, String, String), u64>,
    /// Records, by link and status word.
    pub records: BTreeMap<(String, String), u64>,
    /// Requests without an answer, by kind and state.
    pub requests: BTreeMap<(String, String), u64>,
}

impl Journal {
    pub async fn metrics(&self) -> Result<JournalMetrics, JournalError> {
        let mut numbers = JournalMetrics::default();
        let sql = "SELECT link, flow, state, COUNT(*) AS total FROM run GROUP BY link, flow, state";
        for row in self.store.rows(sql, args![]).await? {
            let key = (row.text("link")?, row.text("flow")?, row.text("state")?);
            numbers.runs.insert(key, row.count("total")?);
        }
        let sql = "SELECT link, status, CAST(SUM(total) AS BIGINT) AS total FROM tally GROUP BY link, status";
        for row in self.store.rows(sql, args![]).await? {
            numbers.records.insert((row.text("link")?, row.text("status")?), row.count("total")?);
        }
        let sql = "SELECT kind, state, COUNT(*) AS total FROM request WHERE finished_ms IS NULL GROUP BY kind, state";
        for row in self.store.rows(sql, args![]).await? {
            numbers.requests.insert((row.text("kind")?, row.text("state")?), row.count("total")?);
        }
        Ok(numbers)
    }

    /// Whether the journal can be used now: it is where it was, it answers, and its schema is this binary's.
    ///
    /// # Errors
    /// [`JournalError::CannotOpen`] where the file is gone, [`JournalError::TooNew`], [`JournalError::Unreadable`] where the
    /// schema is an older one, and those of the database.
    pub async fn check_ready(&self) -> Result<(), JournalError> {
        // A file that was removed can still be written by those who had it open: all of that would be lost.
        if let Some(file) = &self.file
            && !tokio::fs::try_exists(file).await.unwrap_or(false)
        {
            return Err(JournalError::CannotOpen { what: "its file is gone".to_owned() });
        }
        let row = self.store.row("SELECT MAX(version) AS version FROM schema_migrations", args![]).await?;
        let found = row.map_or(Ok(0), |row| row.int("version"))?;
        let known = super::store::known_version();
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(JournalError::TooNew { found, known }),
            std::cmp::Ordering::Less => {
                Err(JournalError::Unreadable { what: format!("schema version {found}; this Rollbook needs {known}") })
            }
        }
    }
}
