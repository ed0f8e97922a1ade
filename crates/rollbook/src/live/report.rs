//! What the suite found, for a page and for programs.
//!
//! It names no token and no real person: only ids, codes and made-up names stand in it. Next: `suite.rs`, which fills it.

use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    /// As Rollbook believes.
    Passed,
    /// These are the differences.
    Failed(Vec<String>),
    /// Something that it needs was not given.
    NotRun(String),
}

/// One case's end.
#[derive(Clone, Debug, Serialize)]
pub struct CaseResult {
    /// What it is about.
    pub area: &'static str,
    /// The rule, with `_` for spaces.
    pub name: &'static str,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What is worth knowing of this site.
    pub notes: Vec<String>,
    /// How long it took, cleaning up not included.
    pub duration_ms: u64,
}

impl CaseResult {
    /// The rule in words.
    pub fn rule(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// The system that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct System {
    /// Its own address.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Its version, in its own words.
    pub release: String,
}

/// What the suite found.
#[derive(Clone, Debug, Serialize)]
pub struct LiveReport {
    /// The system that was asked.
    pub system: System,
    /// When.
    pub began: Timestamp,
    /// Every case, in the list's order.
    pub results: Vec<CaseResult>,
}

impl LiveReport {
    /// How many passed, failed and were not run.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Verdict) -> bool| self.results.iter().filter(|result| is(&result.verdict)).count();
        (
            count(|verdict| matches!(verdict, Verdict::Passed)),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| matches!(verdict, Verdict::NotRun(_))),
        )
    }

    /// The report as a page.
    pub fn as_markdown(&self) -> String {
        let Self { system, began, results } = self;
        let (passed, failed, not_run) = self.counts();
        let took_ms: u64 = results.iter().map(|result| result.duration_ms).sum();
        let day = began.strftime("%Y-%m-%d");
        let mut page = format!(
            "# Live suite: Moodle {}\n\n{day}, Rollbook {}: {} cases, {passed} passed, {failed} failed, {not_run} not run, in {:.1} s.\n\n\
             | area | rule | result | ms | seen |\n|---|---|---|---:|---|\n",
            cell(&system.release),
            env!("CARGO_PKG_VERSION"),
            results.len(),
            seconds(took_ms),
        );
        for result in results {
            let (word, why) = match &result.verdict {
                Verdict::Passed => ("passed", String::new()),
                Verdict::Failed(differences) => ("**failed**", differences.join("; ")),
                Verdict::NotRun(why) => ("not run", why.clone()),
            };
            let seen: Vec<&str> = std::iter::once(why.as_str())
                .chain(result.notes.iter().map(String::as_str))
                .filter(|text| !text.is_empty())
                .collect();
            let (area, rule, seen) = (result.area, result.rule(), cell(&seen.join("; ")));
            writeln!(page, "| {area} | {rule} | {word} | {} | {seen} |", result.duration_ms)
                .expect("a text takes what is written");
        }
        page
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a suite stay far below 2^52")]
fn seconds(duration_ms: u64) -> f64 {
    duration_ms as f64 / 1000.0
}
