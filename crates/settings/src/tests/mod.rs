//! What a configuration says, and what is said about a wrong one.

mod errors;
mod example;

use super::{Env, Settings, Warning};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use std::path::PathBuf;

/// Two sites and a link, free of problems.
const GOOD: &str = r#"
[site.learning]
kind = "moodle"
url = "https://moodle.example.org"
token = { env = "TOKEN" }

[site.elm]
kind = "elm"
feed_url = "https://elm.example.org/Enrolments"
token = { env = "TOKEN" }

[link.psa]
flow = "intake"
from = "elm"
to = "learning"
"#;

fn env() -> Env {
    Env::of([("TOKEN", "hunter2")])
}

fn load(text: &str) -> Result<(Settings, Vec<Warning>), super::ConfigErrors> {
    Settings::parse("rollbook.toml", text, PathBuf::from("/etc/rollbook"), false, &env())
}

/// The report as the terminal shows it, without colours.
fn rendered(report: &dyn Diagnostic) -> String {
    let mut out = String::new();
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100).with_break_words(false);
    handler.render_report(&mut out, report).unwrap();
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// What is said about the text, which is wrong.
fn complaint(text: &str) -> String {
    rendered(&load(text).unwrap_err())
}
