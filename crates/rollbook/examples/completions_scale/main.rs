//! Finds new completions among millions of rows of a Moodle's database, on MariaDB and on PostgreSQL, and shows the plans.
//!
//! `./dev soak completions-database` starts both servers and runs it; by hand:
//! `cargo run --release --example completions_scale -- ROWS URL…`. It makes tables of its own in a database or schema of its
//! own and removes them again. What is timed is the product's own reading; the plan is that of the very statement which the
//! server was sent. Next: `tables.rs`, the rows.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a developer's terminal")]
#![expect(clippy::disallowed_methods, reason = "it measures with the machine's own clock")]

mod server;
mod tables;

use jiff::{SignedDuration, Timestamp};
use rollbook_core::desired::{Scan, ScanKind};
use rollbook_core::model::MoodleCourseId;
use rollbook_moodle::snapshot::completions::read_completions;
use rollbook_remote::database::{Database, DatabaseOptions};
use server::Server;
use std::time::{Duration, Instant};

/// So many completions are new: they lie within the two days that each reading reaches back.
pub const NEW: u64 = 10_000;
/// So many courses have opted in, of all.
pub const OPTED: i64 = 100;
/// Each reading is repeated so often; the first one finds the statement unprepared and the pages cold.
const REPEATS: usize = 7;

fn main() {
    let mut args = std::env::args().skip(1);
    let rows: u64 = args.next().expect("the number of rows").parse().expect("a number of rows");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for url in args {
            measure(&Server::at(&url), rows).await;
        }
    });
}

async fn measure(server: &Server, rows: u64) {
    let now = Timestamp::now();
    let began = Instant::now();
    let made = tables::make(server, rows, now).await;
    println!("\n## {}\n", server.version().await);
    println!("{made} rows of course_completions, made in {:.0} s", began.elapsed().as_secs_f64());
    let options = DatabaseOptions {
        url: server.url().into(),
        prefix: "mdl_".into(),
        connections_max: 1,
        timeout: Duration::from_secs(300),
    };
    let database = Database::new(&options).unwrap();
    let scan = |kind, days: i64| Scan {
        kind,
        since: now - SignedDuration::from_hours(24 * days),
        courses: (0..OPTED).map(|course| MoodleCourseId(tables::FIRST_COURSE + course)).collect(),
    };
    server.listen().await;
    let recent = read_often(&database, &scan(ScanKind::Ordinary, 2)).await;
    assert_eq!(recent.found, NEW, "every new completion, and no other");
    println!("| reading | found | pages | first, s | median, s | slowest, s |\n|---|--:|--:|--:|--:|--:|");
    recent.print("what is new: two days, 100 of 500 courses");
    let statement = server.heard().await;
    let all = read_often(&database, &scan(ScanKind::Full, 5 * 366)).await;
    all.print("everything of five years, the same courses (once a day)");
    let mut few = scan(ScanKind::ReachBack, 5 * 366);
    few.courses.truncate(3);
    read_often(&database, &few).await.print("everything of three courses (which opted in lately)");
    println!("\nThe plan of the first, with what it did:\n\n    {}", server.explain(&statement).await.join("\n    "));
    assert!(recent.worst() < Duration::from_secs(1), "{:?}", recent.took);
    tables::remove(server).await;
}

struct Reading {
    found: u64,
    pages: u64,
    took: Vec<Duration>,
}

async fn read_often(database: &Database, scan: &Scan) -> Reading {
    let mut reading = Reading { found: 0, pages: 0, took: Vec::new() };
    for _ in 0..REPEATS {
        let began = Instant::now();
        (reading.found, reading.pages) = read(database, scan).await;
        reading.took.push(began.elapsed());
    }
    reading
}

async fn read(database: &Database, scan: &Scan) -> (u64, u64) {
    let (mut found, mut pages, mut after) = (0, 0, None);
    loop {
        let (page, next) = read_completions(database, scan, after).await.unwrap();
        (found, pages, after) = (found + page.len() as u64, pages + 1, next);
        if after.is_none() {
            return (found, pages);
        }
    }
}

impl Reading {
    fn worst(&self) -> Duration {
        self.took.iter().copied().max().unwrap_or_default()
    }

    fn print(&self, what: &str) {
        let mut sorted = self.took.clone();
        sorted.sort();
        let seconds = |took: Duration| format!("{:.3}", took.as_secs_f64());
        let [first, median, worst] = [self.took[0], sorted[sorted.len() / 2], self.worst()].map(seconds);
        println!("| {what} | {} | {} | {first} | {median} | {worst} |", self.found, self.pages);
    }
}
