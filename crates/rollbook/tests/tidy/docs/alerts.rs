//! What may be told to an operator, and the page that says what to do about it: each guard's check, each kind that waits for
//! a human, each notice.

use crate::files::Project;
use crate::{Complaint, complain};
use rollbook_core::notice::AlertKind;
use rollbook_core::verdict::{Disposition, OutcomeCode, disposition};
use std::collections::BTreeSet;

const PAGE: &str = "docs/OPERATING.md";
/// Where a guard says the name of its check.
const SAID: [&str; 3] = ["Finding::block(", "Finding::warn(", "Finding::of_count("];

pub fn say_what_to_do_about_each_alert(project: &Project) -> Vec<Complaint> {
    let page = project.files.iter().find(|file| file.path == PAGE).map_or("", |file| file.text.as_str());
    let mut wanted: BTreeSet<String> = checks(project).chain(asked(project)).map(|name| format!("`{name}`")).collect();
    let waits = |code: &&OutcomeCode| matches!(disposition(**code), Disposition::Attention | Disposition::Awaited);
    wanted.extend(OutcomeCode::ALL.iter().filter(waits).map(|code| format!("`{code}`")));
    wanted.extend(AlertKind::ALL.map(|kind| kind.heading().to_owned()));
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let missing = wanted.iter().filter(|name| !rows.iter().any(|row| row.contains(name.as_str())));
    missing.map(|name| complain(PAGE, 1, format!("no table says what to do about {name}"))).collect()
}

/// The names of the guards' checks.
fn checks(project: &Project) -> impl Iterator<Item = String> {
    let guards = project.product().filter(|file| file.path.starts_with("crates/core/src/guard/"));
    let code = guards.map(|file| file.text.split("#[cfg(test)]").next().unwrap_or_default());
    code.flat_map(|text| SAID.into_iter().flat_map(move |said| text.split(said).skip(1))).filter_map(literal)
}

/// The kinds by which completions ask a human.
fn asked(project: &Project) -> impl Iterator<Item = String> {
    let of = |path: &'static str| project.product().filter(move |file| file.path.ends_with(path));
    let list = of("journal/completions/record.rs").filter_map(|file| file.text.split("const ASKED").nth(1));
    let list = list.filter_map(|text| text.split("];").next());
    let list = list.flat_map(|text| text.split('"').skip(1).step_by(2)).map(|word| format!("completion_{word}"));
    let direct = of("pipeline/completions/ask.rs").flat_map(|file| file.text.split('"'));
    list.chain(direct.filter(|word| word.starts_with("completion_") && !word.contains('{')).map(str::to_owned))
}

/// The text literal at the beginning.
fn literal(text: &str) -> Option<String> {
    text.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)
}

#[test]
fn alert_that_no_table_names_is_found() {
    let guard = ("crates/core/src/guard/intake/a.rs", "Finding::block(\n  \"full_moon\", \"run\", text)");
    let asks = (
        "crates/rollbook/src/journal/completions/record.rs",
        "const ASKED: [&str; 1] = [\n    \"no_moon\",\n];\n\"x\"",
    );
    let page = (PAGE, "`full_moon` is a check.\n| `no_tide` | A run failed | wait |\n");
    let said: Vec<String> =
        say_what_to_do_about_each_alert(&Project::of([guard, asks, page])).into_iter().map(|c| c.0).collect();
    let about = |word: &str| said.iter().any(|line| line.contains(word));
    assert!(about("`full_moon`") && about("`completion_no_moon`") && about("`mail_mismatch`"), "{said:?}");
    assert!(about("The feed is silent") && !about("A run failed"), "{said:?}");
}
