//! One row, of whichever server.

use super::DatabaseError;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// One row; its columns are counted from 0.
pub enum Row {
    /// Of MySQL or MariaDB.
    MySql(MySqlRow),
    /// Of PostgreSQL.
    Pg(PgRow),
    /// Of SQLite.
    Sqlite(SqliteRow),
}

impl Row {
    /// A whole number; NULL is an error.
    ///
    /// # Errors
    /// [`DatabaseError::Unreadable`]
    pub fn int(&self, column: usize) -> Result<i64, DatabaseError> {
        self.maybe_int(column)?.ok_or_else(|| null(column))
    }

    /// A whole number or NULL.
    ///
    /// # Errors
    /// [`DatabaseError::Unreadable`]
    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, DatabaseError> {
        let value = match self {
            Self::MySql(row) => row.try_get(column),
            Self::Pg(row) => row.try_get(column),
            Self::Sqlite(row) => row.try_get(column),
        };
        value.map_err(|error| unreadable(column, &error))
    }

    /// A text; NULL is an error.
    ///
    /// # Errors
    /// [`DatabaseError::Unreadable`]
    pub fn text(&self, column: usize) -> Result<String, DatabaseError> {
        self.maybe_text(column)?.ok_or_else(|| null(column))
    }

    /// A text or NULL.
    ///
    /// # Errors
    /// [`DatabaseError::Unreadable`]
    pub fn maybe_text(&self, column: usize) -> Result<Option<String>, DatabaseError> {
        let value = match self {
            Self::MySql(row) => row.try_get(column),
            Self::Pg(row) => row.try_get(column),
            Self::Sqlite(row) => row.try_get(column),
        };
        value.map_err(|error| unreadable(column, &error))
    }
}

fn null(column: usize) -> DatabaseError {
    DatabaseError::Unreadable { what: format!("nothing in column {}", column + 1) }
}

fn unreadable(column: usize, error: &sqlx::Error) -> DatabaseError {
    DatabaseError::Unreadable { what: format!("something unexpected in column {}: {error}", column + 1) }
}
