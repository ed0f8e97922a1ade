//! Whatever the outside may send, read as the product reads it: the seeds of `fuzz/seeds`, one after the other.
//!
//! Each file beside this one has one `check`, which says what must hold of any input at all. The fuzz targets call the very
//! same checks with inputs of their own making (`./dev fuzz`); an input that broke one becomes a seed. Next: [`far`].

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod community;
mod config;
mod event;
mod far;
mod feed;
mod history;
mod moodle;
mod mutate;

use mutate::Mutants;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The names in a folder of `fuzz`, without endings.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// So many changed seeds are tried of each target; `ROLLBOOK_TEST_MUTANTS` asks for more.
const MUTANTS: u64 = 150;

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in config")]
fn mutants() -> u64 {
    std::env::var("ROLLBOOK_TEST_MUTANTS").map_or(MUTANTS, |text| text.parse().unwrap())
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = fuzz().join("seeds").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 3, "{target} has {} seeds", paths.len());
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    for (path, seed) in paths.iter().zip(&seeds) {
        hold(check, seed, || path.display().to_string());
    }
    let mut changed = Mutants::of(seeds, 1);
    for number in 0..mutants() {
        let input = changed.next();
        hold(check, &input, || format!("input {number}: {:?}", String::from_utf8_lossy(&input)));
    }
}

fn hold(check: fn(&[u8]), input: &[u8], name: impl Fn() -> String) {
    if std::panic::catch_unwind(|| check(input)).is_err() {
        panic!("a check is broken by {}", name());
    }
}

#[test]
fn seeds_of_the_feed_hold() {
    replay("feed", feed::check);
}

#[test]
fn seeds_of_moodle_hold() {
    replay("moodle", moodle::check);
}

#[test]
fn seeds_of_the_community_hold() {
    replay("community", community::check);
}

#[test]
fn seeds_of_the_configuration_hold() {
    replay("config", config::check);
}

#[test]
fn seeds_of_the_events_hold() {
    replay("event", event::check);
}

#[test]
fn seeds_of_the_history_hold() {
    replay("history", history::check);
}

#[test]
fn every_target_has_seeds_and_is_replayed() {
    let replayed = ["community", "config", "event", "feed", "history", "moodle"];
    let replayed: BTreeSet<String> = replayed.map(str::to_owned).into();
    assert_eq!(names("targets"), replayed);
    assert_eq!(names("seeds"), replayed);
}
