//! Keeping a journal for years: its personal data leave in time, it is proven whole, and a backup takes its place.

mod prune;
mod restore;

pub use prune::{PruneScope, Pruned};
pub use restore::{Access, Restored, restore};

use crate::store::{Store, args};
use crate::{JournalError, Maintenance};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub version: i64,
    pub runs: u64,
    /// What the database says is wrong with it; empty where all is well.
    pub damage: Vec<String>,
}

impl Maintenance<'_> {
    /// Reads the whole file for damage (PostgreSQL does so itself), and proves that it can be written by a write that it
    /// takes back.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::Unavailable`], [`JournalError::Damaged`]
    pub async fn check(self) -> Result<Checked, JournalError> {
        let mut damage = Vec::new();
        if let Store::Sqlite { .. } = self.store {
            for row in self.store.rows("SELECT integrity_check AS word FROM pragma_integrity_check", args![]).await? {
                damage.extend(Some(row.text("word")?).filter(|word| word != "ok"));
            }
        }
        let version = self.store.row("SELECT MAX(version) AS version FROM schema_migrations", args![]).await?;
        let runs = self.store.row("SELECT COUNT(*) AS total FROM run", args![]).await?;
        let mut tx = self.store.begin().await?;
        tx.run("INSERT INTO retention (before_ms) VALUES (0)", args![]).await?;
        drop(tx);
        Ok(Checked {
            version: version.map_or(Ok(0), |row| row.int("version"))?,
            runs: runs.map_or(Ok(0), |row| row.count("total"))?,
            damage,
        })
    }
}
