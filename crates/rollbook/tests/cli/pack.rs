//! What a package is made of: the manual pages and the completions, as the program itself writes them.

use crate::rollbook;
use clap::CommandFactory;
use rollbook::cli::Cli;
use std::collections::BTreeSet;
use std::fs;

/// The names of the pages of a command and of those below it, hidden ones apart.
fn pages(command: &clap::Command, name: &str, all: &mut BTreeSet<String>) {
    all.insert(format!("{name}.1"));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, &format!("{name}-{}", below.get_name()), all);
    }
}

#[test]
fn every_command_has_a_manual_page_and_hidden_ones_have_none() {
    let folder = tempfile::tempdir().unwrap();
    rollbook(folder.path()).args(["man-pages", "pages"]).assert().code(0);
    let written = fs::read_dir(folder.path().join("pages")).unwrap();
    let written: BTreeSet<String> = written.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected = BTreeSet::new();
    pages(&Cli::command(), "rollbook", &mut expected);
    assert_eq!(written, expected);
    let page = fs::read_to_string(folder.path().join("pages/rollbook-intake-run.1")).unwrap();
    for part in ["\\-\\-dry\\-run", "\\-\\-config", "EXIT STATUS", "a guard refused", "ROLLBOOK_CONFIG"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn each_shell_gets_completions_that_know_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script =
            rollbook(folder.path()).args(["completions-shell", shell]).assert().code(0).get_output().stdout.clone();
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("doctor") && script.contains("dry-run"), "{shell}");
    }
}
