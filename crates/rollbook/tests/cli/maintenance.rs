//! The installation itself: is it well, can its journal be copied and put back, and does it forget in time?

use super::rollbook;
use rollbook_harness::Config;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A configuration that reaches nothing.
fn folder() -> TempDir {
    let links = Config::over_nothing().without("site.avc").without("mail").intake("psa").completions("done");
    links.with("server.listen = \"127.0.0.1:0\"\nlink.psa.welcome.mode = \"moodle\"").folder()
}

#[test]
fn self_check_names_each_thing_it_looked_at() {
    let folder = folder();
    let told = rollbook(folder.path()).args(["self-check", "--ascii"]).assert().success();
    let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    let expected =
        ["version: rollbook", "journal: ", "is intact", "link psa: intake is ready", "link done: ", "certificates: "];
    for part in expected {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn self_check_fails_on_a_damaged_journal() {
    let folder = folder();
    fs::write(folder.path().join("rollbook.sqlite"), "not a journal ".repeat(400)).unwrap();
    let told = rollbook(folder.path()).args(["self-check", "--ascii"]).assert().code(1);
    let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    assert!(told.contains("journal: ") && told.contains("damaged"), "{told}");
}

#[test]
fn backup_is_restored_by_a_person_who_means_it() {
    let folder = folder();
    let run = |words: &[&str]| rollbook(folder.path()).env("USER", "jo").args(words).assert();
    run(&["runs"]).success();
    run(&["backup", "copy.sqlite"]).success();
    run(&["backup", "copy.sqlite"]).code(1);
    assert_eq!(fs::metadata(folder.path().join("copy.sqlite")).unwrap().permissions().mode() & 0o777, 0o600);
    run(&["restore", "copy.sqlite"]).code(1);
    run(&["restore", "copy.sqlite", "--yes"]).success();
    let asides = fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
    let asides: Vec<_> = asides.filter(|file| file.file_name().to_string_lossy().contains("replaced-")).collect();
    assert!(!asides.is_empty());
    run(&["self-check"]).success();
}

#[test]
fn prune_asks_how_long_and_never_forgets_last_month() {
    let folder = folder();
    let run = |words: &[&str]| rollbook(folder.path()).args(words).assert();
    run(&["prune"]).code(1);
    run(&["prune", "--older-than", "7d"]).code(1);
    run(&["prune", "--older-than", "x"]).code(2);
    run(&["prune", "--older-than", "400d", "--dry-run"]).success();
    run(&["prune", "--older-than", "400d"]).success();
}
