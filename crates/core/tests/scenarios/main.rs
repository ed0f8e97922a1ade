//! The rules of intake as readable cases: `cases/*.txt`, in the language that `README.md` explains.
//!
//! `ROLLBOOK_UPDATE_SCENARIOS=1 cargo test -p rollbook-core --test scenarios` writes what the runs gave into the files.

mod coverage;
mod file;
mod scene;
mod show;
#[path = "../world/mod.rs"]
mod world;

use file::Rule;
use scene::Scene;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What each run of a rule gave: the line of its `expect`, and the lines.
fn play(rule: &Rule) -> Vec<(usize, Vec<String>)> {
    let mut scene = Scene::new();
    let mut found = Vec::new();
    for run in &rule.runs {
        for (line, statement) in &run.statements {
            let place = format!("{}:{line}: {statement}", rule.file.display());
            catch_unwind(AssertUnwindSafe(|| scene.take(statement))).unwrap_or_else(|_| panic!("{place}"));
        }
        found.push((run.expect_line, show::run(&mut scene)));
        scene.end_run();
    }
    found
}

/// The runs of one rule give what its file says.
fn check(file: &str, name: &str) {
    let rules = file::read_all();
    let rule = rules.iter().find(|rule| rule.name == name && rule.file.ends_with(format!("{file}.txt")));
    let rule = rule.unwrap_or_else(|| panic!("{file}.txt has no rule {name}"));
    if update_is_asked() {
        return;
    }
    for (run, (line, found)) in rule.runs.iter().zip(play(rule)) {
        let place = format!("{}:{line}: {name}", rule.file.display());
        pretty_compare(&place, &run.expected.join("\n"), &found.join("\n"));
    }
}

fn pretty_compare(place: &str, expected: &str, found: &str) {
    assert!(expected == found, "\n{place}\nexpected:\n{expected}\n\nfound:\n{found}\n");
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test itself, as insta has one")]
fn update_is_asked() -> bool {
    std::env::var_os("ROLLBOOK_UPDATE_SCENARIOS").is_some()
}

#[test]
fn scenarios_are_rewritten_when_asked() {
    if !update_is_asked() {
        return;
    }
    let rules = file::read_all();
    for path in file::paths() {
        let of_file = rules.iter().filter(|rule| rule.file == path);
        file::rewrite(&path, &of_file.flat_map(play).collect::<Vec<_>>());
    }
    let list = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/list.rs");
    std::fs::write(list, list_of(&rules)).expect("the list is writable");
}

/// The text of `list.rs`.
fn list_of(rules: &[Rule]) -> String {
    let mut text = String::from("// Every rule of cases/*.txt; written by ROLLBOOK_UPDATE_SCENARIOS=1.\nrules! {\n");
    for of_file in rules.chunk_by(|left, right| left.file == right.file) {
        text += &format!("    {}:\n", of_file[0].stem());
        let names: Vec<_> = of_file.iter().map(|rule| format!("        {}", rule.name)).collect();
        text += &(names.join("\n") + ";\n");
    }
    text + "}\n"
}

/// One test a rule, so that a failure names the rule.
macro_rules! rules {
    ($($file:ident: $($name:ident)*;)*) => {
        $(mod $file { $(#[test] fn $name() { super::check(stringify!($file), stringify!($name)); })* })*

        /// Every rule that is listed, as `file` and `rule`.
        const LISTED: &[(&str, &str)] = &[$($((stringify!($file), stringify!($name)),)*)*];
    };
}

include!("list.rs");
