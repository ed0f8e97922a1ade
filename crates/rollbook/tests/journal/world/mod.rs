//! A journal of its own for each test, and the nouns that the tests speak with.

mod scans;

use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{FeedRecord, FieldNames, LinkName, MoodleCourseId, MoodleUserId, RunId, read_record};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::{RunKind, Step, Verdict};
use rollbook_journal::{Decision, FeedRead, Journal, Lease, NewRun, OpenOptions};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Pg,
}

/// Where a test's journal is.
pub struct World {
    pub engine: Engine,
    pub address: String,
    pub dir: tempfile::TempDir,
}

pub const TTL: SignedDuration = SignedDuration::from_mins(5);

/// Runs one rule in a world of its own.
pub fn run<F: Future<Output = ()>>(engine: Engine, rule: impl FnOnce(World) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        scans::listen();
        let world = World::new(engine).await;
        let schema = world.schema();
        rule(world).await;
        match schema {
            Some(schema) => pg(&format!("DROP SCHEMA {schema} CASCADE")).await,
            None => scans::assert_none().await,
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in config")]
fn pg_url() -> String {
    std::env::var("ROLLBOOK_TEST_PG")
        .expect("ROLLBOOK_TEST_PG names no PostgreSQL: run the suite with ./dev test, which starts one")
}

async fn pg(sql: &str) {
    let mut connection = PgConnection::connect(&pg_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

impl World {
    async fn new(engine: Engine) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let dir = tempfile::tempdir().unwrap();
        let address = match engine {
            Engine::Sqlite => dir.path().join("journal.db").display().to_string(),
            Engine::Pg => {
                let schema = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
                pg(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
                let url = pg_url();
                let mark = if url.contains('?') { '&' } else { '?' };
                format!("{url}{mark}options[search_path]={schema}")
            }
        };
        Self { engine, address, dir }
    }

    fn schema(&self) -> Option<String> {
        self.address.split_once("[search_path]=").map(|(_, schema)| schema.to_owned())
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    pub async fn open(&self) -> Journal {
        Journal::open(&self.address, &OpenOptions::default()).await.unwrap()
    }

    /// A journal with a run under way.
    pub async fn started(&self) -> (Journal, Lease, RunId) {
        let journal = self.open().await;
        let lease = journal.leases().acquire(&link(), "one", TTL, at(0)).await.unwrap();
        let run = journal.runs().start(&lease, &new_run(), at(0)).await.unwrap();
        (journal, lease, run)
    }

    /// Runs any statement past the journal, as a person with a database shell would.
    pub async fn sql(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.engine {
            Engine::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.address).await?;
                sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
            }
            Engine::Pg => {
                let mut connection = PgConnection::connect(&self.address).await?;
                sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
            }
        }
    }

    /// The one number that a statement gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.engine {
            Engine::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.address).await.unwrap();
                sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
            }
            Engine::Pg => {
                let mut connection = PgConnection::connect(&self.address).await.unwrap();
                sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
            }
        }
    }

    pub async fn events(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM event").await
    }
}

pub fn link() -> LinkName {
    LinkName::new("elm-ss")
}

/// So many minutes after the tests' day began.
pub fn at(minutes: i64) -> Timestamp {
    "2026-11-23T09:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

pub fn new_run() -> NewRun {
    NewRun {
        flow: "intake".into(),
        kind: RunKind::Normal,
        url: "https://feed.example/Enrolments".into(),
        author: "schedule".into(),
    }
}

/// Person `n` enrols in course `n % 20`.
pub fn record(n: u32) -> FeedRecord {
    record_with(n, |_| {})
}

pub fn record_with(n: u32, change: impl FnOnce(&mut serde_json::Value)) -> FeedRecord {
    let mut row = json!({
        "date_created": at(i64::from(n % 60)).to_string(), "COURSE_IDENTIFIER": (930_000 + n % 20).to_string(),
        "COURSE_SHORTNAME": format!("ITEM-{}-1", n % 20), "COURSE_STATE": "Enrol", "GUID": format!("GUID{n:07}"),
        "EMAIL": format!("Person.{n}@Example.org"), "FIRST_NAME": "Jane", "LAST_NAME": format!("Doe{n}"),
        "ENROLMENT_ID": 500_000 + n, "COURSE_STATE_DATE": null, "record_enrol_id": n,
    });
    change(&mut row);
    read_record(&row, &FieldNames::default(), &jiff::tz::TimeZone::UTC)
}

pub fn read(records: &[FeedRecord]) -> FeedRead<'_> {
    FeedRead { records, covered: None, watermark: None }
}

/// A decision with nothing but a verdict.
pub fn decision(record: &FeedRecord, verdict: Verdict, next: Step) -> Decision {
    Decision {
        record: record.fingerprint,
        verdict,
        next,
        course_id: MoodleCourseId(0),
        course_name: String::new(),
        user_id: MoodleUserId(0),
        applied: None,
        mail: None,
    }
}

/// A decision that enrolled somebody.
pub fn enrolled(record: &FeedRecord) -> Decision {
    Decision {
        course_id: MoodleCourseId(7),
        course_name: "Health and Safety".into(),
        user_id: MoodleUserId(42),
        applied: AppliedState::of(record),
        ..decision(record, Verdict::Enrolled, Step::Rest)
    }
}
