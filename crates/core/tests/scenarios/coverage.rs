//! Nothing that can become of a record, no check, no promise and no known defect is left without a rule that shows it.

use super::{LISTED, file, list_of};
use rollbook_core::run::OutcomeCode;
use std::collections::BTreeSet;

/// Codes that core never gives, each with who does.
const NOT_FROM_CORE: [(OutcomeCode, &str); 6] = [
    (OutcomeCode::Received, "the journal gives it when it stores a record, before core sees it"),
    (OutcomeCode::Imported, "the import of an earlier system's history gives it"),
    (OutcomeCode::Ignored, "a person gives it by a decision on the list of what waits"),
    (OutcomeCode::ReportDue, "the journal gives it when a completion is queued"),
    (OutcomeCode::Reported, "the journal gives it when the ELM accepts a completion"),
    (OutcomeCode::ReportRefused, "the journal gives it when the ELM refuses a completion"),
];

/// The names of the checks of intake, as findings carry them.
const CHECKS: [&str; 9] = [
    "completeness",
    "dates_ahead",
    "doubtful_identity",
    "new_accounts",
    "protected",
    "stale_plan",
    "suspensions",
    "suspensions_share",
    "welcome_mails",
];

fn expected_lines() -> Vec<String> {
    let rules = file::read_all();
    rules.into_iter().flat_map(|rule| rule.runs).flat_map(|run| run.expected).collect()
}

#[test]
fn every_rule_is_listed() {
    let rules = file::read_all();
    let listed = LISTED.iter().map(|(file, rule)| ((*file).to_owned(), (*rule).to_owned()));
    let listed: BTreeSet<_> = listed.collect();
    let found: BTreeSet<_> = rules.iter().map(|rule| (rule.stem(), rule.name.clone())).collect();
    assert_eq!(
        listed,
        found,
        "run the suite with ROLLBOOK_UPDATE_SCENARIOS=1, or write it into list.rs:\n{}",
        list_of(&rules)
    );
    assert_eq!(found.len(), rules.len(), "two rules of one file have one name");
}

#[test]
fn every_outcome_code_occurs() {
    let lines = expected_lines();
    let verdicts = lines.iter().filter(|line| line.starts_with("skip") || line.starts_with("verdict"));
    let seen: BTreeSet<_> = verdicts.filter_map(|line| line.split_whitespace().nth(2)).collect();
    for code in OutcomeCode::ALL {
        let excused = NOT_FROM_CORE.iter().any(|(other, _)| other == code);
        assert!(seen.contains(code.as_str()) != excused, "{code}: seen or excused, and not both");
    }
}

#[test]
fn every_check_warns_or_blocks_somewhere() {
    let lines = expected_lines();
    let findings = lines.iter().filter_map(|line| line.strip_prefix("finding"));
    let seen: BTreeSet<_> = findings.filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(seen, BTreeSet::from(CHECKS));
}

/// README.md lists what must be answered, one row each: `| original 7 | in words |`.
#[test]
fn every_promise_and_every_known_defect_is_answered() {
    let readme = include_str!("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let asked: BTreeSet<_> = rows.filter(|row| row.ends_with(|end: char| end.is_ascii_digit())).collect();
    let rules = file::read_all();
    let answered: BTreeSet<_> = rules.iter().flat_map(|rule| &rule.answers).map(String::as_str).collect();
    assert_eq!(asked, answered, "left: README.md, right: the `answers` lines");
}
