//! Holds the rules that neither Cargo nor clippy holds: that core is pure, that no file is too long, that the docs are true.
//!
//! A rule is a function from the project's files to complaints, so that each is shown to fail on a bad sample beside it.

mod boundaries;
mod code;
mod docs;
mod files;
mod sources;

use files::Project;

/// What breaks a rule, and where: `path:line: reason`.
#[derive(Debug, PartialEq, Eq)]
struct Complaint(String);

fn complain(path: &str, line: usize, reason: impl std::fmt::Display) -> Complaint {
    Complaint(format!("{path}:{line}: {reason}"))
}

fn hold(rule: impl FnOnce(&Project) -> Vec<Complaint>) {
    let complaints = rule(&Project::read());
    let lines: Vec<&str> = complaints.iter().map(|complaint| complaint.0.as_str()).collect();
    assert!(lines.is_empty(), "{} complaints:\n  {}", lines.len(), lines.join("\n  "));
}

#[test]
fn core_knows_no_world() {
    hold(boundaries::keep_core_pure);
}

#[test]
fn a_file_is_short() {
    hold(sources::keep_files_short);
}

#[test]
fn no_test_is_ignored() {
    hold(sources::ignore_no_test);
}

#[test]
fn a_path_in_the_docs_exists() {
    hold(docs::name_only_what_exists);
}

#[test]
fn a_command_or_a_flag_in_the_docs_exists() {
    hold(docs::name_only_what_can_be_called);
}

#[test]
fn a_key_of_the_configuration_in_the_docs_exists() {
    hold(docs::name_only_keys_that_exist);
}

#[test]
fn a_test_that_the_docs_call_as_witness_exists() {
    hold(docs::name_only_tests_that_exist);
}

#[test]
fn the_project_has_its_pages() {
    hold(docs::have_the_pages);
}

#[test]
fn each_alert_has_its_entry_in_the_page_for_operators() {
    hold(docs::say_what_to_do_about_each_alert);
}
