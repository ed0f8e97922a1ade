//! Intake: new people, the same again, and the one-call-at-a-time way.

use super::Line;
use super::site::{Site, start};
use rollbook::clock::Clock;
use rollbook::config::{Env, Settings};
use rollbook::journal::{Journal, OpenOptions};
use rollbook::pipeline::intake::{Ask, IntakeRequest, Purpose, run_intake};
use rollbook::pipeline::setup::make_intake;
use rollbook_core::model::LinkName;
use rollbook_sandbox::ELM_TOKEN;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How calls are made.
struct Way {
    name: &'static str,
    concurrency: u32,
    batch: u32,
}

const WAYS: [Way; 2] = [
    Way { name: "in batches", concurrency: 3, batch: 100 },
    Way { name: "one call at a time", concurrency: 1, batch: 1 },
];

/// Measures each way over as many new people, then the same records again.
pub async fn measure(people: u64, moodle: Option<String>, role: Option<String>) -> Vec<Line> {
    let place = if moodle.is_some() { "real Moodle" } else { "sandbox" };
    let mut lines = Vec::new();
    for Way { name, concurrency, batch } in WAYS {
        // The slow way shows its price a record on fewer people.
        let people = if batch == 1 { people.div_ceil(5) } else { people };
        let tag = format!("B{}{batch}", jiff::Timestamp::now().as_millisecond());
        let site = start(people, &tag, moodle.as_ref()).await;
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), &site, concurrency, batch, role.as_deref().unwrap_or("5"));
        for what in ["new people", "known records"] {
            let (took, calls) = run(folder.path()).await;
            lines.push(Line { what: format!("{place}: {what}, {name}"), records: people, took, calls });
        }
        site.sandbox.stop().await;
    }
    lines
}

async fn run(folder: &Path) -> (Duration, u64) {
    let (settings, _) =
        Settings::load(&folder.join("rollbook.toml"), &Env::of([])).expect("the bench's configuration is sound");
    let found = settings.intake(&LinkName::new("bench")).expect("the link is there");
    let flow = make_intake(&found, None).expect("the flow can be made");
    let journal =
        Journal::open(&folder.join("bench.sqlite").display().to_string(), &OpenOptions::default()).await.unwrap();
    let request = IntakeRequest { purpose: Purpose::Apply, ask: Ask::New, author: "bench".to_owned() };
    let begun = Instant::now();
    let report = run_intake(&flow, &journal, &Clock::system(), &request, &CancellationToken::new())
        .await
        .expect("the run succeeds");
    let took = begun.elapsed();
    assert!(report.counts.records > 0, "the feed gave the records");
    assert_eq!(report.counts.errors + report.counts.waiting, 0, "everything is done: {:?}", report.counts);
    journal.close().await;
    (took, report.calls.iter().map(|call| call.calls).sum())
}

fn write_config(folder: &Path, site: &Site, concurrency: u32, batch: u32, role: &str) {
    let Site { sandbox, moodle, token } = site;
    let text = format!(
        r#"
[site.elm]
kind = "elm"
feed_url = "{feed}"
token = "{ELM_TOKEN}"
literal = "date-time-offset"
[site.learning]
kind = "moodle"
url = "{moodle}"
token = "{token}"
concurrency = {concurrency}
batch = {batch}
[link.bench]
flow = "intake"
from = "elm"
to = "learning"
role = {role}
[link.bench.limits]
new_accounts = 1000000
"#,
        feed = sandbox.feed_url(),
    );
    let path = folder.join("rollbook.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
