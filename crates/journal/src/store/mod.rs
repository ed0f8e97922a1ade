//! SQLite and PostgreSQL behind one type: the same SQL text runs on both, rows and arguments look the same.
//!
//! What differs is written as a word in braces and replaced here: `{lock}` (keep the row until the end of the
//! transaction), `{skip_locked}` (leave rows alone that another node works on), `{unindexed}` (no index of this column: PostgreSQL counts
//! and knows by itself), `{join}` (from left to right: SQLite takes it
//! for nothing to unpack bulk data once more for every row of a table; an UPDATE finds its rows in a materialised table
//! expression, for the same reason). Bulk data travels as one JSON argument
//! that the database unpacks (see `bulk`), so a statement's text never depends on how many rows it carries.
//! Nothing here knows what a table means. Next: `open`, `migrate`.

mod bulk;
mod migrate;
mod open;
mod own;
mod statistics;
mod value;

pub(super) use bulk::{Bulk, BulkRow, Column, ColumnType, row};
pub(super) use migrate::{known as known_version, migrate};
pub(super) use open::{backup, open};
pub(super) use own::make_private;
pub(super) use value::{Arg, Row, args};

use super::JournalError;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool};

/// The engine and its connections. SQLite has one writer, because it takes one at a time anyway, and a pool of readers,
/// which never wait for it.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Pg(PgPool),
}

/// A transaction. Dropped without [`Tx::commit`], it leaves nothing.
pub(super) enum Tx {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Pg(sqlx::Transaction<'static, Postgres>),
}

/// Where each statement is told of as it goes to the database, without its values.
const STATEMENTS: &str = "rollbook_journal::statement";

/// Which words a statement is to be written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Pg,
}

impl Engine {
    /// A statement as this engine takes it.
    fn words(self, sql: &str) -> String {
        let sql = self.spell(sql);
        tracing::trace!(target: STATEMENTS, sql);
        sql
    }

    fn with_bulk(self, sql: &str, columns: &[Column]) -> String {
        let sql = bulk::fill(self, &self.spell(sql), columns);
        tracing::trace!(target: STATEMENTS, sql);
        sql
    }

    fn spell(self, sql: &str) -> String {
        let (lock, skip_locked, join, unindexed) = match self {
            Self::Sqlite => ("", "", "CROSS JOIN", "+"),
            Self::Pg => ("FOR UPDATE", "FOR UPDATE SKIP LOCKED", "JOIN", ""),
        };
        let sql = sql.replace("{lock}", lock).replace("{skip_locked}", skip_locked).replace("{join}", join);
        sql.replace("{unindexed}", unindexed)
    }
}

/// Runs one query on a connection or pool of either engine.
macro_rules! on {
    ($engine:ident, $executor:expr, $sql:expr, $args:expr, $call:ident) => {{
        let mut query = sqlx::query::<$engine>(AssertSqlSafe($sql));
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
            };
        }
        query.$call($executor).await
    }};
}

impl Store {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Pg(_) => Engine::Pg,
        }
    }

    /// Begins to write. On SQLite this takes the write lock at once: a transaction that reads first and then writes
    /// would be refused without waiting.
    pub async fn begin(&self) -> Result<Tx, JournalError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Pg(pool) => Tx::Pg(pool.begin().await?),
        })
    }

    /// Reads, outside any transaction.
    pub async fn rows(&self, sql: &str, args: Vec<Arg>) -> Result<Vec<Row>, JournalError> {
        let sql = self.engine().words(sql);
        self.fetch(sql, args).await
    }

    /// Reads the one row that there may be.
    pub async fn row(&self, sql: &str, args: Vec<Arg>) -> Result<Option<Row>, JournalError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Reads with bulk data in `{rows}`, whose argument is `$1`.
    pub async fn bulk_rows(&self, sql: &str, bulk: &Bulk, args: Vec<Arg>) -> Result<Vec<Row>, JournalError> {
        let sql = self.engine().with_bulk(sql, &bulk.columns);
        let mut found = Vec::new();
        for chunk in &bulk.chunks {
            found.extend(self.fetch(sql.clone(), bulk_args(chunk, &args)).await?);
        }
        Ok(found)
    }

    async fn fetch(&self, sql: String, args: Vec<Arg>) -> Result<Vec<Row>, JournalError> {
        Ok(match self {
            Self::Sqlite { read, .. } => {
                on!(Sqlite, read, sql, args, fetch_all)?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Pg(pool) => on!(Postgres, pool, sql, args, fetch_all)?.into_iter().map(Row::Pg).collect(),
        })
    }

    /// Lets a young journal be planned for like a large one; PostgreSQL does well without.
    pub async fn assume_size(&self) -> Result<(), JournalError> {
        match self {
            Self::Sqlite { write, read } => statistics::assume(write, read).await,
            Self::Pg(_) => Ok(()),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                // SQLite does so itself only when nobody else has the file open. Whoever copies the file alone shall have all.
                let copied = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(write).await;
                if let Err(error) = copied {
                    tracing::warn!(%error, "the newest entries of the journal stay in its -wal file");
                }
                write.close().await;
            }
            Self::Pg(pool) => pool.close().await,
        }
    }
}

impl Tx {
    fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Pg(_) => Engine::Pg,
        }
    }

    pub async fn commit(self) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Pg(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Runs a statement; gives how many rows it touched.
    pub async fn run(&mut self, sql: &str, args: Vec<Arg>) -> Result<u64, JournalError> {
        let sql = self.engine().words(sql);
        self.execute(sql, args).await
    }

    pub async fn rows(&mut self, sql: &str, args: Vec<Arg>) -> Result<Vec<Row>, JournalError> {
        let sql = self.engine().words(sql);
        self.fetch(sql, args).await
    }

    pub async fn row(&mut self, sql: &str, args: Vec<Arg>) -> Result<Option<Row>, JournalError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Runs a statement over bulk data in `{rows}`, whose argument is `$1`; `args` follow from `$2`.
    pub async fn bulk_run(&mut self, sql: &str, bulk: &Bulk, args: Vec<Arg>) -> Result<u64, JournalError> {
        let sql = self.engine().with_bulk(sql, &bulk.columns);
        let mut touched = 0;
        for chunk in &bulk.chunks {
            touched += self.execute(sql.clone(), bulk_args(chunk, &args)).await?;
        }
        Ok(touched)
    }

    pub async fn bulk_rows(&mut self, sql: &str, bulk: &Bulk, args: Vec<Arg>) -> Result<Vec<Row>, JournalError> {
        let sql = self.engine().with_bulk(sql, &bulk.columns);
        let mut found = Vec::new();
        for chunk in &bulk.chunks {
            found.extend(self.fetch(sql.clone(), bulk_args(chunk, &args)).await?);
        }
        Ok(found)
    }

    async fn execute(&mut self, sql: String, args: Vec<Arg>) -> Result<u64, JournalError> {
        Ok(match self {
            Self::Sqlite(tx) => on!(Sqlite, &mut **tx, sql, args, execute)?.rows_affected(),
            Self::Pg(tx) => on!(Postgres, &mut **tx, sql, args, execute)?.rows_affected(),
        })
    }

    async fn fetch(&mut self, sql: String, args: Vec<Arg>) -> Result<Vec<Row>, JournalError> {
        Ok(match self {
            Self::Sqlite(tx) => on!(Sqlite, &mut **tx, sql, args, fetch_all)?.into_iter().map(Row::Sqlite).collect(),
            Self::Pg(tx) => on!(Postgres, &mut **tx, sql, args, fetch_all)?.into_iter().map(Row::Pg).collect(),
        })
    }
}

fn bulk_args(chunk: &str, rest: &[Arg]) -> Vec<Arg> {
    std::iter::once(Arg::from(chunk)).chain(rest.iter().cloned()).collect()
}
