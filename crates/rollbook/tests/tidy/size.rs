//! How much a reader has to hold at once. How long a function may be is clippy's to say; that a file has 100 to 600 lines is
//! advice (docs/STYLE.md).

use crate::files::Project;
use crate::{Complaint, complain};

const LINES_MAX: usize = 700;

pub fn keep_files_short(project: &Project) -> Vec<Complaint> {
    let rust = project.files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/"));
    let long = rust.map(|file| (file, file.text.lines().count())).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| complain(&file.path, LINES_MAX, format!("{lines} lines, {LINES_MAX} are allowed")))
        .collect()
}

#[test]
fn a_long_file_is_found() {
    let (long, fine) = ("x();\n".repeat(701), "x();\n".repeat(700));
    let project = Project::of([("crates/core/src/long.rs", &long), ("crates/core/src/fine.rs", &fine)]);
    assert_eq!(keep_files_short(&project), [complain("crates/core/src/long.rs", 700, "701 lines, 700 are allowed")]);
}
