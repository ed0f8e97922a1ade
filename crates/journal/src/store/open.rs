//! Opens a journal by its address: a SQLite file, or a PostgreSQL URL.
//!
//! It never puts the address into an error, since a URL may hold a password.

use super::{Store, make_private};
use crate::{JournalError, OpenOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, SqlitePool};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// How long a connection is waited for.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long SQLite waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// Connects and, for a file, makes it if it is missing. The schema is [`super::migrate`]'s.
pub(crate) async fn open(address: &str, options: &OpenOptions) -> Result<(Store, Option<PathBuf>), JournalError> {
    if address.starts_with("postgres://") || address.starts_with("postgresql://") {
        return Ok((open_pg(address, options).await?, None));
    }
    let path = address.strip_prefix("sqlite://").or_else(|| address.strip_prefix("sqlite:")).unwrap_or(address);
    if path.is_empty() || path.contains("://") || path.contains(":memory:") {
        let what = "the address is neither a file nor a postgres:// URL".to_owned();
        return Err(JournalError::CannotOpen { what });
    }
    let path = PathBuf::from(path);
    make_file(&path).map_err(|error| JournalError::CannotOpen { what: format!("{}: {error}", path.display()) })?;
    Ok((open_sqlite(&path, options).await?, Some(path)))
}

async fn open_pg(url: &str, options: &OpenOptions) -> Result<Store, JournalError> {
    let unusable = |what: &str| JournalError::CannotOpen { what: what.to_owned() };
    let connect = PgConnectOptions::from_str(url).map_err(|_| unusable("the PostgreSQL URL cannot be read"))?;
    // A lock that is waited for so long is held by a process that hangs; better to say so than to hang too. A process that hangs
    // in the middle of a transaction loses it before that, and with it the locks that would keep the other nodes out.
    let limits = [("lock_timeout", "20s"), ("idle_in_transaction_session_timeout", "10s")];
    let connect = connect.application_name("rollbook").options(limits);
    let pool = PgPoolOptions::new()
        .max_connections(options.readers_max.max(1) + 2)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(connect.disable_statement_logging())
        .await?;
    Ok(Store::Pg(pool))
}

/// An existing journal is left as it is. SQLite gives its side files the same owner and mode.
fn make_file(path: &Path) -> io::Result<()> {
    match make_private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

async fn open_sqlite(path: &Path, options: &OpenOptions) -> Result<Store, JournalError> {
    let base = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .disable_statement_logging();
    let mut writer = base
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose the last commits when the power fails: then an effect would have happened that the journal
        // does not know. So every commit reaches the disk.
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-32768")
        .pragma("journal_size_limit", "67108864");
    if let Some(bytes) = options.bytes_max {
        writer = writer.pragma("max_page_count", (bytes / 4096).max(1).to_string());
    }
    let write = sqlite_pool(1).connect_with(writer).await?;
    // Each reader has so much for pages and as much for sorting, and the system keeps the file's pages anyway: more made `serve`
    // larger and no page faster, with five million records.
    let reader = base.read_only(true).pragma("cache_size", "-1024");
    let read = sqlite_pool(options.readers_max.max(1)).connect_with(reader).await?;
    Ok(Store::Sqlite { write, read })
}

/// Connections to a file cost nothing to keep.
fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Copies a SQLite journal, whole and consistent, while it is in use. The copy must not exist yet.
///
/// # Errors
/// [`JournalError::CannotOpen`] where the copy exists or cannot be made.
pub(crate) async fn backup(write: &SqlitePool, to: &Path) -> Result<(), JournalError> {
    let unusable = |why: String| JournalError::CannotOpen { what: format!("the copy {}: {why}", to.display()) };
    make_private(to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => unusable("exists already".to_owned()),
        _ => unusable(error.to_string()),
    })?;
    let text = to.to_str().ok_or_else(|| unusable("its name is not UTF-8".to_owned()))?;
    sqlx::query::<sqlx::Sqlite>(AssertSqlSafe("VACUUM INTO $1".to_owned())).bind(text).execute(write).await?;
    Ok(())
}
