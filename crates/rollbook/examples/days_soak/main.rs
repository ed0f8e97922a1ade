//! Days of an organisation, one after the other, while its systems fail at random and Rollbook's process dies at random; at the
//! end of each history everybody must be where the ELM and the community say, and the ELM must know of each completion once.
//!
//! `./dev soak days --minutes 60` runs it; by hand: `cargo run --release --example days_soak -- MINUTES [FIRST]`. What is right is
//! worked out from what the ELM and the community said (`truth`), not from a second run. A seed draws the same people, faults and
//! deaths again. It ends with 1 where something is wrong, and names the seed.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a developer's terminal")]

mod history;
mod sites;
mod town;
mod truth;

use history::{DAYS, History, Told};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let minutes = args.next().unwrap_or(60);
    let next = AtomicU64::new(args.next().unwrap_or(1));
    rollbook_remote::http::install_tls();
    let began = Instant::now();
    let (tell, told) = mpsc::channel();
    let sum = std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (next, tell) = (&next, tell.clone());
            scope.spawn(move || {
                while began.elapsed() < Duration::from_secs(minutes * 60) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    if tell.send((seed, runtime.block_on(History::new(seed).play()))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        Sum::of(told)
    });
    sum.print(began.elapsed());
    if sum.bad == 0 && sum.histories > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What all histories come to.
#[derive(Default)]
struct Sum {
    histories: u64,
    bad: u64,
    all: Told,
}

impl Sum {
    fn of(told: mpsc::Receiver<(u64, Told)>) -> Self {
        let mut sum = Self::default();
        for (seed, one) in told {
            sum.histories += 1;
            if !one.wrong.is_empty() {
                sum.bad += 1;
                println!("seed {seed}: {} wrong", one.wrong.len());
                one.wrong.iter().take(10).for_each(|line| println!("  {line}"));
            }
            sum.all.add(one);
        }
        sum
    }

    fn print(&self, took: Duration) {
        let Self { histories, all, .. } = self;
        println!(
            "| histories | days | runs | failed runs | killed | faults | records | completions | memberships | wrong |"
        );
        println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        println!(
            "| {histories} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            histories * DAYS,
            all.runs,
            all.failed,
            all.killed,
            all.faults,
            all.records,
            all.completions,
            all.memberships,
            all.wrong.len()
        );
        println!("\nin {:.0} s", took.as_secs_f64());
    }
}
