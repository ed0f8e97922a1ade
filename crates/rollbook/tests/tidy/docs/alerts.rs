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
    let guards = project.product().filter(|file| file.path.starts_with("crates/core/src/guard"));
    let code = guards.map(|file| file.text.split("#[cfg(test)]").next().unwrap_or_default());
    code.flat_map(|text| SAID.into_iter().flat_map(move |said| text.split(said).skip(1))).filter_map(literal)
}

/// The kinds by which completions ask a human: those that the journal makes of a reason's code, and those that are written out.
fn asked(project: &Project) -> impl Iterator<Item = String> {
    let lists = project.product().filter_map(|file| file.text.split("const ASKED").nth(1)?.split("];").next());
    let listed = lists.flat_map(|text| text.split('"').skip(1).step_by(2)).map(|word| format!("completion_{word}"));
    let written = project.product().filter(|file| file.path.starts_with("crates/sync/"));
    let is_kind = |word: &&str| {
        let rest = word.strip_prefix("completion_");
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    listed.chain(written.flat_map(|file| file.text.split('"')).filter(is_kind).map(str::to_owned))
}

/// The text literal at the beginning.
fn literal(text: &str) -> Option<String> {
    text.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)
}

/// Where the names come from may move; that none is found any more is no proof that all are told.
#[test]
fn checks_and_kinds_are_found_in_the_product() {
    let project = Project::read();
    let (checks, asked) = (checks(&project).count(), asked(&project).collect::<BTreeSet<_>>());
    assert!(checks > 10, "{checks}");
    for kind in ["completion_no_guid", "completion_elm", "completion_refused"] {
        assert!(asked.contains(kind), "{kind}: {asked:?}");
    }
}

#[test]
fn alert_that_no_table_names_is_found() {
    let guard = ("crates/core/src/guard/intake/a.rs", "Finding::block(\n  \"full_moon\", \"run\", text)");
    let asks = ("crates/journal/src/completions/record.rs", "const ASKED: [&str; 1] = [\n    \"no_moon\",\n];\n\"x\"");
    let page = (PAGE, "`full_moon` is a check.\n| `no_tide` | A run failed | wait |\n");
    let said: Vec<String> =
        say_what_to_do_about_each_alert(&Project::of([guard, asks, page])).into_iter().map(|c| c.0).collect();
    let about = |word: &str| said.iter().any(|line| line.contains(word));
    assert!(about("`full_moon`") && about("`completion_no_moon`") && about("`mail_mismatch`"), "{said:?}");
    assert!(about("The feed is silent") && !about("A run failed"), "{said:?}");
}
