//! A journal with millions of records, on SQLite and on PostgreSQL: what runs do with it, statement by statement, and what people
//! see of it, page by page.

mod fill;
mod made;
mod pages;
mod statements;

use jiff::{SignedDuration, Timestamp};
use made::at;
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::run::RunKind;
use rollbook_journal::{Journal, Lease, NewRun, OpenOptions};
use std::time::Instant;

/// A journal that is measured, and a run in it.
struct Bench {
    journal: Journal,
    lease: Lease,
    run: RunId,
    now: Timestamp,
}

/// Fills a journal of each kind with so many records and measures it. PostgreSQL is the server that `ROLLBOOK_TEST_PG` names.
pub async fn measure(rows: u64) {
    made::end_now(rows);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite").display().to_string();
    println!("\nA journal of {rows} records on SQLite");
    measure_one(&file, rows).await;
    match std::env::var("ROLLBOOK_TEST_PG") {
        Ok(server) => {
            println!("\nA journal of {rows} records on PostgreSQL");
            measure_one(&server, rows).await;
        }
        Err(_) => println!("\nNothing on PostgreSQL: ROLLBOOK_TEST_PG names no server"),
    }
}

async fn measure_one(address: &str, rows: u64) {
    let journal = Journal::open(address, &OpenOptions::default()).await.unwrap();
    let now = at(rows * 20);
    let link = LinkName::new("elm-ss");
    let lease = journal.leases().acquire(&link, "load", SignedDuration::from_hours(24), now).await.unwrap();
    let new = NewRun { flow: "intake".into(), kind: RunKind::Normal, url: "x".into(), author: "load".into() };
    let run = journal.runs().start(&lease, &new, now).await.unwrap();
    let bench = Bench { journal, lease, run, now };
    // A tenth comes from the feed, run by run; the rest is taken over as history.
    let (start, decided) = (Instant::now(), rows / 10);
    bench.take_over(0, rows - decided).await;
    bench.take_in(rows - decided, decided).await;
    println!("filled in {:.0?}", start.elapsed());
    bench.measure(rows).await;
    let Bench { journal, lease, .. } = bench;
    journal.leases().release(lease).await.unwrap();
    pages::measure(&journal, address, rows).await;
}
