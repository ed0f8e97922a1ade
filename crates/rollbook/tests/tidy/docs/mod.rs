//! What the pages promise: the pages themselves, and every path, command, flag and key that they name.
//!
//! Next: [`commands`], [`keys`].

mod alerts;
mod commands;
mod keys;
mod layout;
mod proofs;
mod spans;
mod tree;

pub use alerts::say_what_to_do_about_each_alert;
pub use commands::name_only_what_can_be_called;
pub use keys::name_only_keys_that_exist;
pub use proofs::name_only_tests_that_exist;

use crate::files::Project;
use crate::{Complaint, complain};
use std::collections::BTreeSet;

/// What a stranger looks for first.
const PAGES: [&str; 14] = [
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "rollbook.example.toml",
    "dev",
    ".ci/run",
    "docs/ARCHITECTURE.md",
    "docs/BENCHMARKS.md",
    "docs/FAULTS.md",
    "docs/GLOSSARY.md",
    "docs/LIVE.md",
    "docs/OPERATING.md",
    "docs/STYLE.md",
    "docs/THREATS.md",
];

pub fn have_the_pages(project: &Project) -> Vec<Complaint> {
    let missing = PAGES
        .iter()
        .filter(|page| !project.files.iter().any(|file| file.path == **page && !file.text.trim().is_empty()));
    missing.map(|page| complain(page, 1, "this page is missing or empty")).collect()
}

/// Looks at the pages and at the headers of the modules.
pub fn name_only_what_exists(project: &Project) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let bases = bases(project);
    for file in project.files.iter().filter(|file| file.path.ends_with(".md") || file.is_product()) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in file.text.lines().enumerate() {
            let words = if file.is_rust() { line.strip_prefix("//!").unwrap_or_default() } else { line };
            for path in paths(words) {
                let beside = project.has(&resolved(folder, path));
                if !beside && !bases.iter().any(|base| project.has(&format!("{base}{path}"))) {
                    complaints.push(complain(&file.path, number + 1, format!("there is no {path}")));
                }
            }
        }
    }
    complaints
}

/// Where a path may begin besides its own folder: the root, the pages, a crate and its sources.
fn bases(project: &Project) -> BTreeSet<String> {
    let crates = project.files.iter().filter_map(|file| file.path.strip_prefix("crates/")?.split('/').next());
    let of_crates = crates.flat_map(|name| [format!("crates/{name}/"), format!("crates/{name}/src/")]);
    ["", "docs/", "crates/"].map(str::to_owned).into_iter().chain(of_crates).collect()
}

/// A path from the root, of one that begins at `folder`.
fn resolved(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The words of a line that are paths of this project: in back-quotes or as the target of a link, with a slash and a
/// known beginning, or with the ending of a source file or a page.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let bare = line
        .split([' ', '(', ')', ',', ';'])
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| word.starts_with("docs/"));
    let known = |path: &str| {
        let first = path.split('/').next().unwrap_or_default();
        let inside = path.contains('/')
            && matches!(
                first,
                "crates"
                    | "docs"
                    | "src"
                    | "tests"
                    | "benches"
                    | "migrations"
                    | "templates"
                    | "assets"
                    | ".ci"
                    | "fuzz"
                    | "packaging"
                    | ".github"
            );
        inside || path == "rollbook.example.toml" || [".rs", ".md", ".php"].iter().any(|ending| path.ends_with(ending))
    };
    let plain = |path: &str| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    quoted
        .chain(linked)
        .chain(bare)
        .map(|path| path.split('#').next().unwrap_or_default())
        .filter(move |path| plain(path) && known(path))
}

#[test]
fn a_missing_page_is_found() {
    let project = Project::of([("README.md", "words"), ("CHANGELOG.md", " ")]);
    assert_eq!(have_the_pages(&project).len(), PAGES.len() - 1);
}

#[test]
fn a_path_that_does_not_exist_is_found() {
    let page = "See `crates/core/src/plan/diff.rs`, [the words](GLOSSARY.md#run), `src/nowhere/` and `GET /api/v1`, docs/LOST.md.";
    let project = Project::of([
        ("docs/STYLE.md", page),
        ("docs/GLOSSARY.md", ""),
        ("crates/core/src/plan/diff.rs", "//! Orders things. Next: `gone.rs`.\n"),
    ]);
    let found: Vec<_> = name_only_what_exists(&project).into_iter().map(|complaint| complaint.0).collect();
    assert_eq!(
        found,
        [
            "docs/STYLE.md:1: there is no src/nowhere/",
            "docs/STYLE.md:1: there is no docs/LOST.md",
            "crates/core/src/plan/diff.rs:1: there is no gone.rs"
        ]
    );
}
