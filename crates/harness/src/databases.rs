//! The real databases that `./dev test` starts, and a schema of its own for each test.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};

/// The PostgreSQL of `ROLLBOOK_TEST_PG`.
pub fn postgres() -> String {
    named("ROLLBOOK_TEST_PG")
}

/// The MariaDB of `ROLLBOOK_TEST_MARIADB`.
pub fn mariadb() -> String {
    named("ROLLBOOK_TEST_MARIADB")
}

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in settings")]
fn named(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: run the tests with ./dev test, which starts one"))
}

/// A schema of PostgreSQL that no other test uses.
#[derive(Debug)]
pub struct Schema(String);

impl Schema {
    /// Makes one.
    pub async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&postgres()).await.unwrap();
        let make = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"));
        sqlx::raw_sql(make).execute(&mut connection).await.unwrap();
        Self(name)
    }

    /// The address whose tables are in it.
    pub fn url(&self) -> String {
        let url = postgres();
        let mark = if url.contains('?') { '&' } else { '?' };
        format!("{url}{mark}options[search_path]={}", self.0)
    }

    /// Drops it. A process that was killed may have left a statement behind, which the server ends in its own time: against it
    /// the drop can lose a deadlock.
    pub async fn drop(self) {
        for _ in 0..10 {
            let mut connection = PgConnection::connect(&postgres()).await.unwrap();
            let drop = AssertSqlSafe(format!("DROP SCHEMA {} CASCADE", self.0));
            match sqlx::raw_sql(drop).execute(&mut connection).await {
                Ok(_) => return,
                Err(error) => {
                    let code = error.as_database_error().and_then(|error| error.code().map(Cow::into_owned));
                    assert_eq!(code.as_deref(), Some("40P01"), "{error}");
                }
            }
        }
        panic!("the schema {} cannot be dropped", self.0);
    }
}
