//! Intake: new people, the same again, some changes among them, and the one-call-at-a-time way.

use super::site::{Site, start};
use super::table::{Cost, Line, Meter};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_harness::Config;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_settings::{Env, Settings};
use rollbook_sync::flows::intake::{IntakeQuery, IntakeRequest, Purpose, run_intake};
use rollbook_sync::flows::setup::make_intake;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// How calls are made.
struct Way {
    name: &'static str,
    concurrency: u32,
    batch: u32,
}

const BATCHES: Way = Way { name: "in batches", concurrency: 3, batch: 100 };
const SINGLE: Way = Way { name: "one call at a time", concurrency: 1, batch: 1 };

/// So many people in batches, to see how the cost grows; one call at a time shows its price on fewer.
const SIZES: [u64; 3] = [100, 1_000, 10_000];
const SLOW_SIZE: u64 = 200;
/// A real Moodle keeps the people.
const REAL_SIZES: [u64; 2] = [100, 1_000];

/// Measures new people, the same records again, and then some changes among them.
pub async fn measure(round: u64, moodle: Option<&String>, role: Option<String>) -> Vec<Line> {
    let role = role.unwrap_or_else(|| "5".to_owned());
    let sizes: &[u64] = if moodle.is_some() { &REAL_SIZES } else { &SIZES };
    let mut lines = Vec::new();
    for people in sizes {
        lines.extend(measure_one(&BATCHES, *people, round, moodle, &role).await);
    }
    lines.extend(measure_one(&SINGLE, SLOW_SIZE, round, moodle, &role).await);
    lines
}

async fn measure_one(way: &Way, people: u64, round: u64, moodle: Option<&String>, role: &str) -> Vec<Line> {
    let place = if moodle.is_some() { "real Moodle" } else { "sandbox" };
    let Way { name, concurrency, batch } = *way;
    let tag = format!("B{round}{batch}{}", jiff::Timestamp::now().as_millisecond());
    let site = start(people, &tag, moodle).await;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &site, concurrency, batch, role);
    let mut lines = Vec::new();
    for what in ["new people", "known records", "known records, a third as many new, half of them suspensions"] {
        if what.contains("new,") {
            site.publish_mixed(people, &tag);
        }
        let (records, cost) = run(folder.path()).await;
        lines.push(Line { what: format!("intake, {place}, {name}: {what}"), records, cost });
    }
    site.sandbox.stop().await;
    lines
}

async fn run(folder: &Path) -> (u64, Cost) {
    let (settings, _) =
        Settings::load(&folder.join("rollbook.toml"), &Env::of([])).expect("the bench's configuration is sound");
    let found = settings.intake(&LinkName::new("bench")).expect("the link is there");
    let flow = make_intake(&found, None).expect("the flow can be made");
    let journal =
        Journal::open(&folder.join("bench.sqlite").display().to_string(), &OpenOptions::default()).await.unwrap();
    let request = IntakeRequest { purpose: Purpose::Apply, query: IntakeQuery::New, author: "bench".to_owned() };
    let meter = Meter::start();
    let report = run_intake(&flow, &journal, &Clock::system(), &request, &CancellationToken::new())
        .await
        .expect("the run succeeds");
    let cost = meter.read();
    assert!(report.counts.records > 0, "the feed gave the records");
    assert_eq!(report.counts.errors + report.counts.waiting, 0, "everything is done: {:?}", report.counts);
    journal.close().await;
    (report.counts.records, cost.with_calls(report.calls.iter().map(|call| call.calls).sum()))
}

fn write_config(folder: &Path, site: &Site, concurrency: u32, batch: u32, role: &str) {
    let Site { sandbox, moodle, token } = site;
    let config = Config::over(sandbox).without("site.avc").without("mail");
    let more = format!(
        r#"
        site.elm.literal = "date-time-offset"
        site.learning = {{ url = "{moodle}", token = "{token}", concurrency = {concurrency}, batch = {batch} }}
        link.bench = {{ role = {role}, welcome = {{ mode = "moodle" }} }}
        [link.bench.limits]
        new_accounts = 1000000
        suspensions = 1000000
        suspensions_share = 1.0
        "#
    );
    config.intake("bench").with(&more).write(folder);
}
