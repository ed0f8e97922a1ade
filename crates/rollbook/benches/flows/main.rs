//! The flows against the sandbox, or a real Moodle: time, calls, memory, and the one-call-at-a-time way in the same run.
//!
//! `./dev bench` prints a table. `./dev bench --moodle URL --role 5` does it against a real Moodle, whose token stands in
//! `ROLLBOOK_BENCH_TOKEN`; it needs courses with the ID numbers 930001 to 930020 and leaves the people that it makes.
//! `ROLLBOOK_BENCH_DATABASE` names its database, `ROLLBOOK_BENCH_DRUPAL` with `_USER`, `_PASSWORD`, `_GROUP_TYPE` and
//! `_DATABASE` a real community. `--only guilds` or `--only intake` measures one flow.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used, reason = "a bench is its own program")]

mod completions;
mod guilds;
mod intake;
mod large_plan;
mod site;
mod town;

use std::time::Duration;

/// One line of the table.
pub struct Line {
    /// What was done.
    pub what: String,
    /// How many records.
    pub records: u64,
    /// How long it took.
    pub took: Duration,
    /// Calls to Moodle.
    pub calls: u64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let people: u64 = value("--people").map_or(1_000, |text| text.parse().expect("--people takes a number"));
    rustls::crypto::ring::default_provider().install_default().expect("nothing installed another provider");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    let only = value("--only");
    let wants = |flow: &str| only.as_deref().is_none_or(|only| only == flow);
    let moodle = value("--moodle");
    let mut lines = Vec::new();
    if wants("guilds") {
        lines.push(large_plan::measure());
        lines.extend(runtime.block_on(guilds::measure(&town::Moodle::of(moodle.clone()))));
    }
    if wants("intake") {
        lines.extend(runtime.block_on(intake::measure(people, moodle.clone(), value("--role"))));
    }
    if wants("completions") && moodle.is_none() {
        lines.extend(runtime.block_on(completions::measure(people)));
    }
    println!("\n| what | records | seconds | ms a record | calls to Moodle |\n|---|--:|--:|--:|--:|");
    for Line { what, records, took, calls } in &lines {
        let seconds = took.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "counts of records are small")]
        let each = seconds * 1000.0 / (*records).max(1) as f64;
        println!("| {what} | {records} | {seconds:.3} | {each:.3} | {calls} |");
    }
    println!("\nload average: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    println!("peak memory of this process: {} MiB", peak_memory_mib());
}

/// The process's peak resident memory, by the kernel's account.
pub fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}
