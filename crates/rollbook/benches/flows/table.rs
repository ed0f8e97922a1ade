//! What is measured, and how it is told.

use rollbook_core::model::counted_as;
use std::time::{Duration, Instant};

/// One line of the table.
#[derive(Clone)]
pub struct Line {
    /// What was done.
    pub what: String,
    /// How many records.
    pub records: u64,
    /// What it cost.
    pub cost: Cost,
}

/// What something cost.
#[derive(Clone, Copy)]
pub struct Cost {
    /// How long it took.
    pub took: Duration,
    /// Calls to Moodle.
    pub calls: u64,
    /// The process's most resident memory meanwhile, in MiB.
    pub memory: u64,
}

/// Measures from its making on.
pub struct Meter(Instant);

impl Meter {
    /// Begins; the kernel forgets what the process needed before.
    pub fn start() -> Self {
        // Where that may not be, the peak is that of the whole process: more, never less.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self(Instant::now())
    }

    /// Ends.
    pub fn read(&self) -> Cost {
        Cost { took: self.0.elapsed(), calls: 0, memory: peak_memory_mib() }
    }
}

impl Cost {
    /// The same with so many calls.
    pub fn with_calls(self, calls: u64) -> Self {
        Self { calls, ..self }
    }
}

/// The process's peak resident memory, by the kernel's account.
pub fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// One line of what was measured in several rounds: the round whose time is the median, and the least memory, since what one
/// part gives back stays with the process while the next one runs.
fn settle(lines: Vec<Line>) -> Vec<Line> {
    let mut told: Vec<(Line, Vec<Cost>)> = Vec::new();
    for line in lines {
        let is_it = |(known, _): &&mut (Line, Vec<Cost>)| known.what == line.what && known.records == line.records;
        match told.iter_mut().find(is_it) {
            Some((_, costs)) => costs.push(line.cost),
            None => told.push((line.clone(), vec![line.cost])),
        }
    }
    let median = |(line, mut costs): (Line, Vec<Cost>)| {
        costs.sort_by_key(|cost| cost.took);
        let memory = costs.iter().map(|cost| cost.memory).min().unwrap_or_default();
        Line { cost: Cost { memory, ..costs[costs.len() / 2] }, ..line }
    };
    told.into_iter().map(median).collect()
}

/// Prints the table, and what else ran meanwhile.
pub fn print(lines: Vec<Line>, rounds: u64) {
    let rounds = counted_as(rounds, "round", "rounds");
    println!("\nEach line is the median of {rounds}, and the least memory of them.\n");
    println!(
        "| what | records | seconds | ms a record | calls to Moodle | MiB at the most |\n|---|--:|--:|--:|--:|--:|"
    );
    for Line { what, records, cost: Cost { took, calls, memory } } in settle(lines) {
        let seconds = took.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "counts of records are small")]
        let each = seconds * 1000.0 / records.max(1) as f64;
        println!("| {what} | {records} | {seconds:.3} | {each:.3} | {calls} | {memory} |");
    }
    println!("\nload average: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
}
