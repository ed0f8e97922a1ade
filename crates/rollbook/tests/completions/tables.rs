//! The tables of a Moodle that completions are read from, on a server of one's own: a schema or database for each test.

use jiff::Timestamp;
use rollbook_remote::database::{Database, DatabaseOptions};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, SqliteConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    MariaDb,
    Pg,
    Sqlite,
}

/// A Moodle's tables.
pub struct Tables {
    server: Server,
    url: String,
    _dir: tempfile::TempDir,
}

/// As Moodle makes them, the columns that nobody reads left out.
const CREATE: [&str; 5] = [
    "CREATE TABLE mdl_user (id {id}, deleted {small}, suspended {small}, username VARCHAR(100) NOT NULL,
        idnumber VARCHAR(255) NOT NULL DEFAULT '', firstname VARCHAR(100) NOT NULL DEFAULT '',
        lastname VARCHAR(100) NOT NULL DEFAULT '', email VARCHAR(100) NOT NULL DEFAULT '')",
    "CREATE TABLE mdl_course (id {id}, category BIGINT NOT NULL, fullname VARCHAR(254) NOT NULL,
        idnumber VARCHAR(100) NOT NULL DEFAULT '')",
    "CREATE TABLE mdl_customfield_category (id {id}, component VARCHAR(100), area VARCHAR(100))",
    "CREATE TABLE mdl_customfield_field (id {id}, shortname VARCHAR(100), categoryid BIGINT, configdata {text})",
    "CREATE TABLE mdl_customfield_data (id {id}, fieldid BIGINT NOT NULL, instanceid BIGINT NOT NULL, intvalue BIGINT)",
];

const COMPLETIONS: &str = "CREATE TABLE mdl_course_completions (id {id}, userid BIGINT NOT NULL DEFAULT 0,
    course BIGINT NOT NULL DEFAULT 0, timeenrolled BIGINT NOT NULL DEFAULT 0, timestarted BIGINT NOT NULL DEFAULT 0,
    timecompleted BIGINT, reaggregate BIGINT NOT NULL DEFAULT 0)";

const INDEXES: [&str; 4] = [
    "CREATE INDEX mdl_courcomp_use_ix ON mdl_course_completions (userid)",
    "CREATE INDEX mdl_courcomp_cou_ix ON mdl_course_completions (course)",
    "CREATE INDEX mdl_courcomp_tim_ix ON mdl_course_completions (timecompleted)",
    "CREATE UNIQUE INDEX mdl_courcomp_usecou_uix ON mdl_course_completions (userid, course)",
];

/// Runs one rule over tables of its own.
pub fn run<F: Future<Output = ()>>(server: Server, rule: impl FnOnce(Tables) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tables = Tables::new(server).await;
        let (server, name) = (tables.server, tables.name());
        rule(tables).await;
        match server {
            Server::MariaDb => mysql(&format!("DROP DATABASE {name}")).await,
            Server::Pg => pg(&format!("DROP SCHEMA {name} CASCADE")).await,
            Server::Sqlite => {}
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in config")]
fn server_url(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: run the suite with ./dev test, which starts one"))
}

async fn mysql(sql: &str) {
    let mut connection = MySqlConnection::connect(&server_url("ROLLBOOK_TEST_MARIADB")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

async fn pg(sql: &str) {
    let mut connection = PgConnection::connect(&server_url("ROLLBOOK_TEST_PG")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

impl Tables {
    pub async fn new(server: Server) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let dir = tempfile::tempdir().unwrap();
        let name = format!("done{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = match server {
            Server::MariaDb => {
                mysql(&format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} COLLATE utf8mb4_unicode_ci"))
                    .await;
                let base = server_url("ROLLBOOK_TEST_MARIADB");
                let mut url: reqwest::Url = base.parse().unwrap();
                url.set_path(&name);
                url.to_string()
            }
            Server::Pg => {
                pg(&format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")).await;
                let url = server_url("ROLLBOOK_TEST_PG");
                let mark = if url.contains('?') { '&' } else { '?' };
                format!("{url}{mark}options[search_path]={name}")
            }
            Server::Sqlite => format!("sqlite:{}?mode=rwc", dir.path().join("moodle.db").display()),
        };
        let tables = Self { server, url, _dir: dir };
        for sql in CREATE.into_iter().chain([COMPLETIONS]) {
            tables.sql(&tables.words(sql)).await;
        }
        for sql in INDEXES {
            tables.sql(sql).await;
        }
        tables.sql("INSERT INTO mdl_course (id, category, fullname) VALUES (1, 0, 'The front page')").await;
        tables
            .sql("INSERT INTO mdl_customfield_category VALUES (1, 'core_course', 'area'), (2, 'core_course', 'course')")
            .await;
        tables
            .sql(
                "INSERT INTO mdl_customfield_field VALUES (1, 'completion_opt_in', 1, ''),
                (2, 'completion_opt_in', 2, '{\"checkbydefault\":\"0\"}'), (3, 'other', 2, '{}')",
            )
            .await;
        tables
    }

    fn name(&self) -> String {
        match self.server {
            Server::MariaDb => self.url.rsplit('/').next().unwrap().to_owned(),
            Server::Pg => self.url.split_once("[search_path]=").unwrap().1.to_owned(),
            Server::Sqlite => String::new(),
        }
    }

    fn words(&self, sql: &str) -> String {
        let (id, small, text) = match self.server {
            Server::MariaDb => ("BIGINT AUTO_INCREMENT PRIMARY KEY", "TINYINT(1) NOT NULL DEFAULT 0", "LONGTEXT"),
            Server::Pg => ("BIGSERIAL PRIMARY KEY", "SMALLINT NOT NULL DEFAULT 0", "TEXT"),
            Server::Sqlite => ("INTEGER PRIMARY KEY", "INTEGER NOT NULL DEFAULT 0", "TEXT"),
        };
        sql.replace("{id}", id).replace("{small}", small).replace("{text}", text)
    }

    /// Writes past Rollbook, as Moodle does.
    pub async fn sql(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = match self.server {
            Server::MariaDb => {
                let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
            }
            Server::Pg => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
            }
            Server::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
            }
        };
        done.unwrap();
    }

    /// Has the server look at the tables, as servers do by themselves after a while.
    pub async fn analyse(&self) {
        let word = if self.server == Server::MariaDb { "ANALYZE TABLE" } else { "ANALYZE" };
        for table in ["user", "course", "course_completions", "customfield_data"] {
            self.sql(&format!("{word} mdl_{table}")).await;
        }
    }

    /// The tables as Rollbook reads them.
    pub fn open(&self) -> Database {
        let options = DatabaseOptions {
            url: self.url.replace("?mode=rwc", "").into(),
            prefix: "mdl_".into(),
            connections_max: 2,
            timeout: Duration::from_secs(20),
        };
        Database::new(&options).unwrap()
    }

    /// A course; `opted` is the field's stored value, if there is one.
    pub async fn course(&self, id: i64, idnumber: &str, opted: Option<i64>) {
        self.sql(&format!("INSERT INTO mdl_course VALUES ({id}, 2, 'Course {id}', '{idnumber}')")).await;
        if let Some(opted) = opted {
            let sql = "INSERT INTO mdl_customfield_data (fieldid, instanceid, intvalue)";
            self.sql(&format!("{sql} VALUES (2, {id}, {opted}), (1, {id}, 1), (3, {id}, 1)")).await;
        }
    }

    pub async fn user(&self, id: i64, guid: &str) {
        let sql = "INSERT INTO mdl_user (id, username, idnumber, firstname, lastname, email)";
        self.sql(&format!("{sql} VALUES ({id}, 'u{id}', '{guid}', 'Jane', 'Doe{id}', 'u{id}@example.org')")).await;
    }

    pub async fn complete(&self, user: i64, course: i64, at: Option<Timestamp>) {
        let time = at.map_or("NULL".to_owned(), |at| at.as_second().to_string());
        let sql = "INSERT INTO mdl_course_completions (userid, course, timecompleted)";
        self.sql(&format!("{sql} VALUES ({user}, {course}, {time})")).await;
    }
}
