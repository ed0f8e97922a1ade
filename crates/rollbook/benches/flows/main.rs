//! The flows against the sandbox, or a real Moodle: time, calls, memory, how they grow, and the one-call-at-a-time way in the
//! same run; plans; the journal with millions of records.
//!
//! `./dev bench` prints tables. `--only intake`, `guilds`, `completions`, `plans` or `journal` measures one part, `--rows N` sizes
//! the journal, `--rounds N` says how often the flows run. `./dev bench --moodle URL --role 5` does it against a real Moodle, whose
//! token stands in `ROLLBOOK_BENCH_TOKEN`; it needs courses with the ID numbers 930001 to 930020 and leaves the people that it
//! makes. `ROLLBOOK_BENCH_DATABASE` names its database, `ROLLBOOK_BENCH_DRUPAL` with `_USER`, `_PASSWORD`, `_GROUP_TYPE` and
//! `_DATABASE` a real community.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used, reason = "a bench is its own program")]

mod completions;
mod guilds;
mod intake;
mod journal;
mod plans;
mod site;
mod table;
mod town;

use std::str::FromStr;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let number = |name: &str, default: u64| {
        value(name).map_or(default, |text| u64::from_str(&text).unwrap_or_else(|_| panic!("{name} takes a number")))
    };
    rustls::crypto::ring::default_provider().install_default().expect("nothing installed another provider");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    let (only, moodle) = (value("--only"), value("--moodle"));
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    // A real Moodle has no part in these.
    let wants_own = |part: &str| wants(part) && moodle.is_none();
    let rounds = number("--rounds", if moodle.is_some() { 1 } else { 3 });
    let mut lines = Vec::new();
    for round in 0..rounds {
        if wants("intake") {
            lines.extend(runtime.block_on(intake::measure(round, moodle.as_ref(), value("--role"))));
        }
        if wants("guilds") {
            lines.extend(runtime.block_on(guilds::measure(&town::Moodle::of(moodle.clone()))));
        }
        if wants_own("completions") {
            lines.extend(runtime.block_on(completions::measure()));
        }
        if wants_own("plans") {
            lines.extend(plans::measure());
        }
    }
    if !lines.is_empty() {
        table::print(lines, rounds);
    }
    if wants_own("journal") {
        runtime.block_on(journal::measure(number("--rows", 5_000_000)));
    }
}
