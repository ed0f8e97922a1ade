//! The tests by which docs/THREATS.md and docs/FAULTS.md say that something holds.

use super::spans::spans;
use crate::files::Project;
use crate::{Complaint, complain};
use std::collections::BTreeSet;

const PAGES: [&str; 2] = ["docs/THREATS.md", "docs/FAULTS.md"];

pub fn name_only_tests_that_exist(project: &Project) -> Vec<Complaint> {
    let rust = project.files.iter().filter(|file| file.is_rust());
    let lines = rust.flat_map(|file| file.text.lines()).filter_map(|line| line.split_once("fn "));
    let known: BTreeSet<&str> = lines.filter_map(|(_, rest)| rest.split(['(', '<']).next()).collect();
    let pages = project.files.iter().filter(|file| PAGES.contains(&file.path.as_str()));
    let named = pages.flat_map(|file| spans(file).into_iter().map(|span| (file.path.as_str(), span)));
    let missing = named.filter(|(_, span)| is_test(&span.text) && !known.contains(span.text.as_str()));
    missing.map(|(page, span)| complain(page, span.line, format!("there is no test {}", span.text))).collect()
}

/// A test's name is a rule: three words and more.
fn is_test(name: &str) -> bool {
    name.matches('_').count() >= 2
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn proof_that_does_not_exist_is_found() {
    let page = (PAGES[1], "It holds: `nobody_comes_in`, `somebody_does_come_in`, by `known_word`.");
    let code = ("crates/core/tests/a.rs", "#[test]\nfn nobody_comes_in() {}\n");
    assert_eq!(name_only_tests_that_exist(&Project::of([page, code])).len(), 1);
}
