//! The rules of completions as readable scenarios (see README.md), and properties over random worlds.

mod converge;
mod file;
mod scene;

use std::collections::BTreeSet;

/// Every reason for which a completion is not reported.
const CODES: [&str; 9] = [
    "already_reported",
    "not_opted_in",
    "before_start",
    "no_course_number",
    "no_guid",
    "other_account",
    "no_enrolment_record",
    "no_enrolment_id",
    "enrolment_id_not_a_number",
];

/// Every check, as findings carry it.
const CHECKS: [&str; 5] = ["completeness", "hidden_opt_ins", "reports", "stale_plan", "unreported"];

#[expect(clippy::disallowed_methods, reason = "how the suite is told to write what it found")]
fn is_updating() -> bool {
    std::env::var_os("ROLLBOOK_UPDATE_SCENARIOS").is_some()
}

#[test]
fn every_rule_holds() {
    let mut wrong = Vec::new();
    for path in file::paths() {
        let mut found = Vec::new();
        for rule in file::read(&path) {
            let mut scene = scene::Scene::default();
            for run in &rule.runs {
                let lines = scene.play(&run.statements);
                if lines != run.expected {
                    wrong.push(format!("{}: {}\n  {}", path.display(), rule.name, lines.join("\n  ")));
                }
                found.push((run.expect_line, lines));
            }
        }
        if is_updating() {
            file::rewrite(&path, &found);
        }
    }
    assert!(wrong.is_empty(), "what was found:\n{}", wrong.join("\n"));
}

#[test]
fn every_reason_and_every_check_occurs() {
    let rules: Vec<_> = file::paths().iter().flat_map(|path| file::read(path)).collect();
    let lines: Vec<String> = rules.into_iter().flat_map(|rule| rule.runs).flat_map(|run| run.expected).collect();
    let words = |kind: &str, nth: usize| -> BTreeSet<String> {
        let of_kind = lines.iter().filter(|line| line.starts_with(kind));
        of_kind.filter_map(|line| line.split_whitespace().nth(nth)).map(str::to_owned).collect()
    };
    assert_eq!(words("skip", 4), CODES.map(str::to_owned).into());
    assert_eq!(words("finding", 2), CHECKS.map(str::to_owned).into());
}
