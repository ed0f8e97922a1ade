//! Plans a million records of a hundred thousand people once, and says how long it took and how much memory:
//! `cargo run --release -p rollbook-core --example plan_million [RECORDS]`.
//! The limits are 10 s of one core and 1 GiB; past them it ends with an error. The time by the clock is shown, too, but a
//! machine that does other work makes it longer.

#![expect(clippy::print_stdout, reason = "it is run to be read")]

#[path = "../benches/load/mod.rs"]
mod load;

use load::{Load, NOW};
use rollbook_core::guard::{IntakeView, check_intake};
use rollbook_core::plan::plan_intake;
use std::process::ExitCode;
use std::time::Instant;

const CPU_SECONDS_MAX: f64 = 10.0;
const MEMORY_MAX_KIB: u64 = 1_024 * 1_024;

fn main() -> ExitCode {
    let records = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let load = Load::of(records);
    let (inputs, policy) = (load.inputs(), load::policy());
    println!("{records} records are read, with all that was looked up: {} MiB", peak_kib() / 1_024);
    let (begun, cpu_begun) = (Instant::now(), cpu_seconds());
    let plan = plan_intake(&inputs, &policy, NOW);
    let planned = begun.elapsed();
    let view = IntakeView { plan: &plan, feed: &inputs, courses: inputs.courses, policy: &policy, now: NOW };
    let findings = check_intake(&view);
    let digest = plan.digest();
    let (all, cpu) = (begun.elapsed(), cpu_seconds() - cpu_begun);
    println!(
        "{} people: {} changes, {} records left alone, {} findings, digest {}",
        plan.people,
        plan.changes.len(),
        plan.skips.len(),
        findings.len(),
        &digest.0[..12],
    );
    println!(
        "planned in {:.2} s, with checks and digest {:.2} s ({cpu:.2} s of one core); {} MiB at the most",
        planned.as_secs_f64(),
        all.as_secs_f64(),
        peak_kib() / 1_024
    );
    if cpu > CPU_SECONDS_MAX || peak_kib() > MEMORY_MAX_KIB { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The time for which a core has worked for this process, in seconds; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    // utime and stime, in hundredths of a second.
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The greatest resident memory of this process so far, in KiB; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
