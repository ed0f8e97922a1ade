//! Another system's database, read only: the fast path for big sites.
//!
//! One way to write a query for MySQL and MariaDB, PostgreSQL and SQLite (see `dialect`); each source keeps its own queries
//! beside it. It never writes: every connection is told to refuse that. It never shows the address, which may
//! hold a password. Next: [`row`].

mod dialect;
mod row;

pub use row::Row;

use dialect::Dialect;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, MySqlPool, PgPool, SqlitePool};
use std::str::FromStr;
use std::time::Duration;

/// At most so many values stand in one `IN (…)`: PostgreSQL and MySQL take 65,535 arguments, SQLite 32,766.
pub const VALUES_MAX: usize = 5_000;

/// How to reach a database.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// Its address, which may hold a password.
    pub url: secrecy::SecretString,
    /// What each table's name begins with: at most 32 of `A-Z a-z 0-9 _`.
    pub prefix: String,
    /// At most so many connections at once.
    pub connections_max: u32,
    /// The time one query may take, connecting included.
    pub timeout: Duration,
}

/// Why a database gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The address or the prefix cannot be used: correct the configuration.
    #[error("the database cannot be used: {what}")]
    Unusable {
        /// What is wrong, without any secret.
        what: String,
    },
    /// It was not reached, or did not answer in time.
    #[error("the database did not answer while {doing}")]
    Silent {
        /// What was being read.
        doing: &'static str,
    },
    /// It refused the query: a missing table or grant.
    #[error("the database refused {doing}")]
    Refused {
        /// What was being read.
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A value is not of the kind that it should be.
    #[error("the database holds {what}")]
    Unreadable {
        /// Which, and why.
        what: String,
    },
}

#[derive(Clone, Debug)]
enum Pool {
    MySql(MySqlPool),
    Pg(PgPool),
    Sqlite(SqlitePool),
}

/// One argument of a query.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// Another system's database. Clones share the connections.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    prefix: String,
    timeout: Duration,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Database({:?})", self.dialect())
    }
}

impl Database {
    /// Prepares the connections; nothing is sent yet.
    ///
    /// # Errors
    /// [`DatabaseError::Unusable`]
    pub fn new(options: &DatabaseOptions) -> Result<Self, DatabaseError> {
        let unusable = |what: &str| DatabaseError::Unusable { what: what.to_owned() };
        let fits = options.prefix.len() <= 32 && options.prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !fits {
            return Err(unusable("the table prefix has other signs than letters, digits and _"));
        }
        let url = secrecy::ExposeSecret::expose_secret(&options.url);
        let unread = |_| unusable("its address cannot be read");
        let pool = match url.split(':').next() {
            Some("mysql" | "mariadb") => Pool::MySql(open_mysql(url, options).map_err(unread)?),
            Some("postgres" | "postgresql") => Pool::Pg(open_pg(url, options).map_err(unread)?),
            Some("sqlite") => Pool::Sqlite(open_sqlite(url, options).map_err(unread)?),
            _ => return Err(unusable("its address begins with none of mysql, postgres and sqlite")),
        };
        Ok(Self { pool, prefix: options.prefix.clone(), timeout: options.timeout })
    }

    /// The rows of a query. `{table:t}` stands for the table `t` with its prefix, quoted (`{p}` for the bare prefix), `?` for an argument, `{int:x}` and `{text:x}` for the expression
    /// `x` in a form that every server gives alike, `{in}` for a list of all arguments that no `?` before it took.
    ///
    /// # Errors
    /// [`DatabaseError`]; `doing` says what was being read.
    pub async fn rows(&self, doing: &'static str, sql: &str, args: &[Arg]) -> Result<Vec<Row>, DatabaseError> {
        let sql = self.dialect().write(sql, &self.prefix, args.len());
        let fetched = tokio::time::timeout(self.timeout, self.fetch(sql, args)).await;
        match fetched {
            Ok(Ok(rows)) => Ok(rows),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_))) => Err(DatabaseError::Silent { doing }),
            Ok(Err(source)) => Err(DatabaseError::Refused { doing, source }),
        }
    }

    /// The rows of a query with one `{in}` over more values than one query takes.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn rows_in(&self, doing: &'static str, sql: &str, values: &[Arg]) -> Result<Vec<Row>, DatabaseError> {
        let mut rows = Vec::new();
        for values in values.chunks(VALUES_MAX) {
            rows.extend(self.rows(doing, sql, values).await?);
        }
        Ok(rows)
    }

    /// Which of these tables (named without prefix) there are.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn tables(&self, names: &[&str]) -> Result<Vec<String>, DatabaseError> {
        let full: Vec<Arg> = names.iter().map(|name| Arg::Text(format!("{}{name}", self.prefix))).collect();
        let sql = self.dialect().tables();
        let rows = self.rows("looking which tables there are", sql, &full).await?;
        let name = |row: &Row| row.text(0).map(|name| name.strip_prefix(&self.prefix).unwrap_or(&name).to_owned());
        rows.iter().map(name).collect()
    }

    /// Which of these columns a table (named without prefix) has.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn columns(&self, table: &str, names: &[&str]) -> Result<Vec<String>, DatabaseError> {
        let table = format!("{}{table}", self.prefix);
        let args: Vec<Arg> = [table.as_str()].iter().chain(names).map(|text| Arg::from(*text)).collect();
        let rows = self.rows("looking which columns there are", self.dialect().columns(), &args).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// Whether texts are compared with regard to case, so that a query must fold both sides.
    pub fn minds_case(&self) -> bool {
        self.dialect() != Dialect::MySql
    }

    fn dialect(&self) -> Dialect {
        match &self.pool {
            Pool::MySql(_) => Dialect::MySql,
            Pool::Pg(_) => Dialect::Pg,
            Pool::Sqlite(_) => Dialect::Sqlite,
        }
    }

    async fn fetch(&self, sql: String, args: &[Arg]) -> Result<Vec<Row>, sqlx::Error> {
        macro_rules! fetch {
            ($pool:expr, $row:path) => {{
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for arg in args {
                    query = match arg {
                        Arg::Int(value) => query.bind(*value),
                        Arg::Text(value) => query.bind(value.as_str()),
                    };
                }
                Ok(query.fetch_all($pool).await?.into_iter().map($row).collect())
            }};
        }
        match &self.pool {
            Pool::MySql(pool) => fetch!(pool, Row::MySql),
            Pool::Pg(pool) => fetch!(pool, Row::Pg),
            Pool::Sqlite(pool) => fetch!(pool, Row::Sqlite),
        }
    }
}

fn open_mysql(url: &str, options: &DatabaseOptions) -> Result<MySqlPool, sqlx::Error> {
    let connect = MySqlConnectOptions::from_str(url)?.disable_statement_logging();
    let pool = MySqlPoolOptions::new()
        .max_connections(options.connections_max.max(1))
        .acquire_timeout(options.timeout)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                Ok(())
            })
        });
    Ok(pool.connect_lazy_with(connect))
}

fn open_pg(url: &str, options: &DatabaseOptions) -> Result<PgPool, sqlx::Error> {
    let connect = PgConnectOptions::from_str(url)?.application_name("rollbook").disable_statement_logging();
    let connect = connect.options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().max_connections(options.connections_max.max(1)).acquire_timeout(options.timeout);
    Ok(pool.connect_lazy_with(connect))
}

fn open_sqlite(url: &str, options: &DatabaseOptions) -> Result<SqlitePool, sqlx::Error> {
    let connect = SqliteConnectOptions::from_str(url)?.read_only(true).disable_statement_logging();
    let pool =
        SqlitePoolOptions::new().max_connections(options.connections_max.max(1)).acquire_timeout(options.timeout);
    Ok(pool.connect_lazy_with(connect))
}
