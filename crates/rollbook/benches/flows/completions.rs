//! Completions: looking at people who have not finished, reporting those who have, the same again; and one call at a time.

use super::site::start;
use super::table::{Cost, Line, Meter};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_harness::Config;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_sandbox::Sandbox;
use rollbook_settings::{Env, Settings};
use rollbook_sync::flows::completions::{CompletionsRequest, Purpose, Reach, make_completions, run_completions};
use rollbook_sync::flows::intake::{IntakeQuery, IntakeRequest, Purpose as IntakePurpose, run_intake};
use rollbook_sync::flows::setup::make_intake;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// So many people with several calls at a time, to see how the cost grows, and with one.
const SIZES: [u64; 3] = [100, 1_000, 10_000];
const SLOW_SIZE: u64 = 1_000;

/// Measures people who are in one opted-in course each, against the sandbox: a real Moodle cannot be told to complete them.
pub async fn measure() -> Vec<Line> {
    let mut lines = Vec::new();
    for people in SIZES {
        lines.extend(measure_one("several calls at a time", 3, people).await);
    }
    lines.extend(measure_one("one call at a time", 1, SLOW_SIZE).await);
    lines
}

async fn measure_one(name: &str, width: u32, people: u64) -> Vec<Line> {
    let site = start(people, &format!("C{width}"), None).await;
    opt_in(&site.sandbox);
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &site.sandbox, width);
    take_in(folder.path()).await;
    let mut lines = Vec::new();
    for what in ["nobody has finished", "all are reported", "nobody is left to look at"] {
        let cost = report(folder.path()).await;
        lines.push(Line { what: format!("completions, sandbox, {name}: {what}"), records: people, cost });
        if what.contains("has finished") {
            complete(&site.sandbox);
        }
    }
    assert_eq!(site.sandbox.world().elm.completions.len() as u64, people, "each completion is there, once");
    site.sandbox.stop().await;
    lines
}

/// All courses opt in.
fn opt_in(sandbox: &Sandbox) {
    let mut world = sandbox.world();
    let courses: Vec<i64> = world.moodle.courses.iter().map(|course| course.id).collect();
    for id in courses {
        world.moodle.courses.edit(id, |course| {
            course.opt_in = Some(true);
            course.has_criteria = true;
        });
    }
}

/// Everybody completes the course in which they are.
fn complete(sandbox: &Sandbox) {
    let mut world = sandbox.world();
    let at = world.now();
    let pairs: Vec<(i64, i64)> = world
        .moodle
        .users
        .iter()
        .flat_map(|user| world.moodle.enrolments_of_user(user.id).map(|row| (user.id, row.course_id)))
        .collect();
    for (user, course) in pairs {
        world.moodle.complete(user, course, at);
    }
}

async fn open(folder: &Path) -> (Settings, Journal) {
    let (settings, _) =
        Settings::load(&folder.join("rollbook.toml"), &Env::of([])).expect("the bench's configuration is sound");
    let file = folder.join("bench.sqlite").display().to_string();
    (settings, Journal::open(&file, &OpenOptions::default()).await.unwrap())
}

async fn take_in(folder: &Path) {
    let (settings, journal) = open(folder).await;
    let found = settings.intake(&LinkName::new("bench")).expect("the link is there");
    let flow = make_intake(&found, None).expect("the flow can be made");
    let request = IntakeRequest { purpose: IntakePurpose::Apply, query: IntakeQuery::New, author: "bench".to_owned() };
    run_intake(&flow, &journal, &Clock::system(), &request, &CancellationToken::new()).await.expect("intake runs");
    journal.close().await;
}

async fn report(folder: &Path) -> Cost {
    let (settings, journal) = open(folder).await;
    let found = settings.completion(&LinkName::new("done")).expect("the link is there");
    let flow = make_completions(&found, &settings).expect("the flow can be made");
    let request = CompletionsRequest { purpose: Purpose::Apply, reach: Reach::Usual, author: "bench".to_owned() };
    let meter = Meter::start();
    let report = run_completions(&flow, &journal, &Clock::system(), &request, &CancellationToken::new())
        .await
        .expect("the run succeeds");
    let cost = meter.read();
    assert_eq!(report.delivered.waiting + report.delivered.refused, 0, "nothing is left: {:?}", report.delivered);
    journal.close().await;
    cost.with_calls(report.calls.iter().map(|call| call.calls).sum())
}

fn write_config(folder: &Path, sandbox: &Sandbox, width: u32) {
    let config = Config::over(sandbox).without("site.avc").without("mail");
    let more = format!(
        r#"
        site.elm.literal = "date-time-offset"
        site.learning.concurrency = {width}
        link.bench = {{ role = 5, welcome = {{ mode = "moodle" }}, limits = {{ new_accounts = 1000000 }} }}
        link.done = {{ report_from = "2020-01-01", calls_max = 1000000, concurrency = {width} }}
        "#
    );
    config.intake("bench").completions("done").with(&more).write(folder);
}
