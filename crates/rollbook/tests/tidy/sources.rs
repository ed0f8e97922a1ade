//! What no lint says of a source file. How long a function may be is clippy's to say; that a file has 100 to 600 lines is advice
//! (docs/STYLE.md).

use crate::code::code_only;
use crate::files::Project;
use crate::{Complaint, complain};

const LINES_MAX: usize = 700;

pub fn keep_files_short(project: &Project) -> Vec<Complaint> {
    let rust = project.files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/"));
    let long = rust.map(|file| (file, file.text.lines().count())).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| complain(&file.path, LINES_MAX, format!("{lines} lines, {LINES_MAX} are allowed")))
        .collect()
}

/// A test that does not run shows nothing.
pub fn ignore_no_test(project: &Project) -> Vec<Complaint> {
    let rust = project.files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/"));
    let ignored = rust.filter(|file| code_only(&file.text).contains("#[ignore"));
    ignored.map(|file| complain(&file.path, 1, "a test is ignored: mend it, or leave it out")).collect()
}

#[test]
fn an_ignored_test_is_found() {
    let bad = Project::of([("crates/core/tests/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n")]);
    assert_eq!(ignore_no_test(&bad).len(), 1);
    assert_eq!(ignore_no_test(&Project::of([("crates/core/tests/a.rs", "// #[ignore\n")])), []);
}

#[test]
fn a_long_file_is_found() {
    let (long, fine) = ("x();\n".repeat(701), "x();\n".repeat(700));
    let project = Project::of([("crates/core/src/long.rs", &long), ("crates/core/src/fine.rs", &fine)]);
    assert_eq!(keep_files_short(&project), [complain("crates/core/src/long.rs", 700, "701 lines, 700 are allowed")]);
}
