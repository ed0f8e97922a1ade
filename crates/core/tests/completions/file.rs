//! A file of scenarios: rules, each with one or more runs, each run with the lines that set it up and those it expects.

use std::path::{Path, PathBuf};

pub struct Rule {
    pub name: String,
    pub runs: Vec<Run>,
}

#[derive(Default)]
pub struct Run {
    pub statements: Vec<String>,
    /// The line of the word `expect`, counted from 1.
    pub expect_line: usize,
    pub expected: Vec<String>,
}

pub fn paths() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/completions/cases");
    let entries = std::fs::read_dir(folder).expect("the folder of cases is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

pub fn read(path: &Path) -> Vec<Rule> {
    let text = std::fs::read_to_string(path).expect("a case is readable");
    let mut rules = Vec::<Rule>::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{}:{}", path.display(), index + 1);
        match line.split_once(' ').unwrap_or((line, "")) {
            ("#" | "why", _) => {}
            ("", rest) if rest.trim().is_empty() => {}
            ("rule", name) => rules.push(Rule { name: name.to_owned(), runs: vec![Run::default()] }),
            ("expect", _) => run(&mut rules, &place).expect_line = index + 1,
            ("", rest) => run(&mut rules, &place).expected.push(rest.trim().to_owned()),
            _ => {
                let rule = rules.last_mut().unwrap_or_else(|| panic!("{place}: no rule yet"));
                if rule.runs.last().is_some_and(|run| run.expect_line > 0) {
                    rule.runs.push(Run::default());
                }
                run(&mut rules, &place).statements.push(line.to_owned());
            }
        }
    }
    rules
}

fn run<'a>(rules: &'a mut [Rule], place: &str) -> &'a mut Run {
    rules.last_mut().and_then(|rule| rule.runs.last_mut()).unwrap_or_else(|| panic!("{place}: no rule yet"))
}

/// Writes a file anew with what its runs gave: `(line of expect, lines)`.
pub fn rewrite(path: &Path, found: &[(usize, Vec<String>)]) {
    let text = std::fs::read_to_string(path).expect("a case is readable");
    let mut lines = Vec::new();
    let mut in_expectation = false;
    for (index, line) in text.lines().enumerate() {
        in_expectation &= line.starts_with(' ');
        if in_expectation {
            continue;
        }
        lines.push(line.to_owned());
        if let Some((_, new)) = found.iter().find(|(expect_line, _)| *expect_line == index + 1) {
            lines.extend(new.iter().map(|line| format!("  {line}")));
            in_expectation = true;
        }
    }
    std::fs::write(path, lines.join("\n") + "\n").expect("a case is writable");
}
