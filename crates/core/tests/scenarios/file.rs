//! A file of scenarios: rules, each with one or more runs, each run with the lines that set it up and those it expects.

use std::path::{Path, PathBuf};

/// One rule and the runs that show it.
#[derive(Debug)]
pub struct Rule {
    pub file: PathBuf,
    pub name: String,
    /// What the rule answers, such as `original 7`; see README.md.
    pub answers: Vec<String>,
    pub runs: Vec<Run>,
}

/// One run of a rule.
#[derive(Debug, Default)]
pub struct Run {
    /// Statements with their line numbers.
    pub statements: Vec<(usize, String)>,
    /// The line of the word `expect`, counted from 1.
    pub expect_line: usize,
    /// What is expected, without the indentation.
    pub expected: Vec<String>,
}

impl Rule {
    /// The file's name without its end.
    pub fn stem(&self) -> String {
        self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

const INDENT: &str = "  ";

/// Every rule of every file in `cases/`, in the order of files and lines.
pub fn read_all() -> Vec<Rule> {
    paths().iter().flat_map(|path| read(path)).collect()
}

pub fn paths() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/cases");
    let entries = std::fs::read_dir(folder).expect("the folder of cases is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    paths
}

fn read(path: &Path) -> Vec<Rule> {
    let text = std::fs::read_to_string(path).expect("a case is readable");
    let mut rules = Vec::<Rule>::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if word == "rule" {
            let (file, name) = (path.to_owned(), rest.trim().to_owned());
            rules.push(Rule { file, name, answers: Vec::new(), runs: vec![Run::default()] });
            continue;
        }
        let rule = rules.last_mut().unwrap_or_else(|| panic!("{}:{number}: no rule yet", path.display()));
        take(rule, number, line, word, rest);
    }
    for rule in &mut rules {
        rule.runs.retain(|run| run.expect_line > 0);
        assert!(!rule.runs.is_empty(), "{}: {} expects nothing", path.display(), rule.name);
    }
    rules
}

fn take(rule: &mut Rule, number: usize, line: &str, word: &str, rest: &str) {
    let at = |rule: &Rule| format!("{}:{number}", rule.file.display());
    match word {
        "why" => {}
        "answers" => rule.answers.extend(rest.split(',').map(|one| one.trim().to_owned())),
        "expect" => rule.runs.last_mut().expect("a rule has a run").expect_line = number,
        "" => {
            let run = rule.runs.last_mut().expect("a rule has a run");
            assert!(run.expect_line > 0 && line.starts_with(INDENT), "{number}: an indented line outside of expect");
            run.expected.push(line[INDENT.len()..].to_owned());
        }
        _ => {
            if rule.runs.last().is_some_and(|run| run.expect_line > 0) {
                rule.runs.push(Run::default());
            }
            let place = at(rule);
            let run = rule.runs.last_mut().unwrap_or_else(|| panic!("{place}: no run"));
            run.statements.push((number, line.to_owned()));
        }
    }
}

/// Writes a file anew with what its runs gave: `(line of expect, lines)`.
pub fn rewrite(path: &Path, found: &[(usize, Vec<String>)]) {
    let text = std::fs::read_to_string(path).expect("a case is readable");
    let mut lines = Vec::new();
    let mut in_expectation = false;
    for (index, line) in text.lines().enumerate() {
        in_expectation &= line.starts_with(INDENT);
        if in_expectation {
            continue;
        }
        lines.push(line.to_owned());
        if let Some((_, new)) = found.iter().find(|(expect_line, _)| *expect_line == index + 1) {
            lines.extend(new.iter().map(|line| format!("{INDENT}{line}").trim_end().to_owned()));
            in_expectation = true;
        }
    }
    let new = lines.join("\n") + "\n";
    if new != text {
        std::fs::write(path, new).expect("a case is writable");
    }
}
