//! Arguments and rows that look the same on both engines: 64-bit whole numbers and texts, each perhaps null.

use crate::JournalError;
use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// One argument of a statement. The null of each type is told apart, because PostgreSQL wants to know.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
}

/// Arguments, each turned into an [`Arg`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::Arg::from($value)),*] };
}
pub(crate) use args;

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Arg {
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<Timestamp> for Arg {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.as_millisecond()))
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_millisecond))
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(without_nul(value)))
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(without_nul))
    }
}

/// PostgreSQL refuses NUL in a text: its sign stands for it.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// One row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Pg(PgRow),
}

impl Row {
    pub fn int(&self, column: &str) -> Result<i64, JournalError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Pg(row) => row.try_get(column)?,
        })
    }

    pub fn maybe_int(&self, column: &str) -> Result<Option<i64>, JournalError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Pg(row) => row.try_get(column)?,
        })
    }

    pub fn text(&self, column: &str) -> Result<String, JournalError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Pg(row) => row.try_get(column)?,
        })
    }

    pub fn maybe_text(&self, column: &str) -> Result<Option<String>, JournalError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Pg(row) => row.try_get(column)?,
        })
    }

    /// A count; a negative one gives 0.
    pub fn count(&self, column: &str) -> Result<u64, JournalError> {
        Ok(u64::try_from(self.int(column)?).unwrap_or_default())
    }

    pub fn time(&self, column: &str) -> Result<Timestamp, JournalError> {
        self.int(column).map(from_ms)
    }

    pub fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, JournalError> {
        Ok(self.maybe_int(column)?.map(from_ms))
    }

    /// A stored word, read by `read`.
    pub fn word<T>(&self, column: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, JournalError> {
        let text = self.text(column)?;
        read(&text).ok_or_else(|| JournalError::Unreadable { what: format!("{column} is \"{text}\"") })
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, JournalError> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|error| JournalError::Unreadable { what: format!("{column}: {error}") })
    }
}

/// A stored time; what lies outside of what can be told is taken to its edge.
fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
