//! Kills the process that reports completions again and again, while the ELM fails at random, in as many histories as asked.
//!
//! `./dev soak completions --seeds 1000` runs it; by hand: `cargo run --release --example completions_soak -- SEEDS [FIRST]`.
//! It is the fault suite of `tests/completions/faults`, with more seeds: the first two histories die at every step of each
//! report, the others at random. It ends with 1 where a completion is missing or there twice, and names the seed.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a developer's terminal")]

#[path = "../../tests/completions/faults/history.rs"]
mod history;
#[expect(dead_code, reason = "the suite uses what is not needed here")]
#[path = "../../tests/completions/world.rs"]
mod world;

use history::{History, Place, Told};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

const PEOPLE: i64 = 200;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let seeds = args.next().unwrap_or(1_000);
    let first = args.next().unwrap_or(1);
    rustls::crypto::ring::default_provider().install_default().expect("nothing installed another provider");
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let (tell, told) = mpsc::channel();
    let all = std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (next, tell) = (&next, tell.clone());
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= seeds + 2 || tell.send(play(number, first)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        Sum::of(told)
    });
    all.print(began.elapsed().as_secs_f64());
    if all.bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play(number: u64, first: u64) -> (String, Told) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match number {
            0 => ("in silence".to_owned(), History::new(0, PEOPLE).await.silence().await),
            1 => ("at each step".to_owned(), History::new(0, PEOPLE).await.sweep(1).await),
            _ => {
                let seed = first + number - 2;
                (format!("seed {seed}"), History::new(seed, PEOPLE).await.play().await)
            }
        }
    })
}

#[derive(Default)]
struct Sum {
    histories: u64,
    told: Told,
    bad: Vec<String>,
}

impl Sum {
    fn of(all: mpsc::Receiver<(String, Told)>) -> Self {
        let mut sum = Self::default();
        for (name, told) in all {
            let Told { processes, deaths, places, failures, missing, doubled, unsettled } = told;
            if missing + doubled > 0 || !unsettled.is_empty() {
                println!("{name}: {missing} missing, {doubled} there more than once, left: {unsettled:?}");
                sum.bad.push(name);
            }
            sum.histories += 1;
            sum.told.processes += processes;
            sum.told.deaths += deaths;
            sum.told.failures += failures;
            sum.told.missing += missing;
            sum.told.doubled += doubled;
            places.into_iter().for_each(|(place, deaths)| *sum.told.places.entry(place).or_default() += deaths);
            if sum.histories.is_multiple_of(50) {
                println!("{} histories, {} bad", sum.histories, sum.bad.len());
            }
        }
        sum
    }

    fn print(&self, seconds: f64) {
        let Self { histories, told, bad } = self;
        let completions = histories * PEOPLE.unsigned_abs();
        println!(
            "\n| histories | completions | processes | killed | while looking | between reports | claimed, not there | there, not recorded | failed calls | missing | there twice |"
        );
        println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        let [looking, between, claimed, arrived] = Place::ALL.map(|place| told.deaths_at(place));
        let Told { processes, deaths, failures, missing, doubled, .. } = told;
        println!(
            "| {histories} | {completions} | {processes} | {deaths} | {looking} | {between} | {claimed} | {arrived} | {failures} | {missing} | {doubled} |"
        );
        println!("\n{} bad histories, in {seconds:.0} s", bad.len());
    }
}
