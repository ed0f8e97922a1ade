//! No statement of any rule walks a table that grows for ever: SQLite says how it would find the rows of each.
//!
//! A journal of five million records is as quick as one of five only where an index leads to what is asked.

use rollbook_journal::{Journal, OpenOptions};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use std::collections::BTreeSet;
use std::sync::{Mutex, Once};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// What grows with every record, person or run, under the names that the statements give it.
const LARGE: [&str; 9] =
    ["record", "found", "event", "person", "applied", "completion", "completion_look", "outbox", "membership_event"];

/// What may: a search for a part of a name, which people bound and not their records; the sweep of retention, in parts; and
/// an index that only holds what is open.
const MAY: [&str; 4] = [
    "person.search LIKE",
    "DELETE FROM event WHERE at_ms <",
    "COUNT(*) AS total FROM event WHERE at_ms <",
    "settled_ms IS NULL",
];

static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "rollbook_journal::statement" {
            event.record(&mut Sql);
        }
    }
}

struct Sql;

impl Visit for Sql {
    fn record_str(&mut self, _: &Field, sql: &str) {
        SAID.lock().unwrap().insert(sql.to_owned());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Collects every statement from now on.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Statements)).unwrap();
    });
}

/// Whether any statement was heard; if not, the journal's target has another name, and nothing is proven by silence.
pub fn has_heard() -> bool {
    !SAID.lock().unwrap().is_empty()
}

/// None of the statements so far reads a large table from end to end.
pub async fn assert_none() {
    let said: Vec<String> = SAID.lock().unwrap().iter().cloned().collect();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.db").display().to_string();
    Journal::open(&file, &OpenOptions::default()).await.unwrap().close().await;
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let mut walked = Vec::new();
    for sql in said {
        let steps = explained(&mut connection, &sql).await;
        let walk = steps.iter().find(|step| walks(step, &sql));
        let sorted = steps.windows(2).find(|pair| sorts_all(&pair[0], &pair[1])).map(|pair| &pair[0]);
        walked.extend(walk.or(sorted).map(|step| format!("{step}\n{sql}")));
    }
    assert!(walked.is_empty(), "{}", walked.join("\n\n"));
}

/// In the order of an index, up to a limit, is no walk.
fn walks(step: &str, sql: &str) -> bool {
    let mut words = step.split(' ');
    words.next() == Some("SCAN")
        && words.next().is_some_and(|table| LARGE.contains(&table))
        && !(step.contains("USING") && sql.contains("LIMIT") && !sql.contains("UPDATE"))
        && !MAY.iter().any(|part| sql.contains(part))
}

/// Everything of a link is put in order to find the first few.
fn sorts_all(step: &str, next: &str) -> bool {
    let table = step.strip_prefix("SEARCH ").and_then(|rest| rest.split(' ').next());
    table.is_some_and(|table| LARGE.contains(&table))
        && step.ends_with("(link=?)")
        && !step.contains("_attention")
        && next == "USE TEMP B-TREE FOR ORDER BY"
}

async fn explained(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(connection).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.iter().map(|row| row.get("detail")).collect()
}
