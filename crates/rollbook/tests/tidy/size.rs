//! How much a reader has to hold at once. How long a function may be is clippy's to say.
//!
//! Next: [`crate::words`].

use crate::code::product_code;
use crate::files::Project;
use crate::{Complaint, complain};
use std::collections::BTreeMap;

/// Lines of code, tests apart.
const LINES_MAX: usize = 300;
/// Lines of a file of tests.
const TEST_LINES_MAX: usize = 500;
const FILES_MAX: usize = 10;

/// Files that must be longer, with the reason; none may have more than 500 lines.
const LONGER: [(&str, &str); 0] = [];
const LONGER_LINES_MAX: usize = 500;

pub fn keep_files_short(project: &Project) -> Vec<Complaint> {
    let rust = project.files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/"));
    let complaints = rust.filter_map(|file| {
        let (lines, most) = if !file.is_product() {
            (file.text.lines().count(), TEST_LINES_MAX)
        } else if LONGER.iter().any(|(path, _)| *path == file.path) {
            (product_code(&file.text).lines().count(), LONGER_LINES_MAX)
        } else {
            (product_code(&file.text).lines().count(), LINES_MAX)
        };
        (lines > most).then(|| complain(&file.path, most, format!("{lines} lines, {most} are allowed")))
    });
    complaints.collect()
}

/// Snapshots, fixtures and what a tool wrote do not count: they are not read as one.
pub fn keep_folders_small(project: &Project) -> Vec<Complaint> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for file in project.files.iter().filter(|file| file.is_rust()) {
        *folders.entry(file.path.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
    }
    let large = folders.into_iter().filter(|(_, files)| *files > FILES_MAX);
    large.map(|(folder, files)| complain(folder, 1, format!("{files} files, {FILES_MAX} are allowed"))).collect()
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let (code, tests) = ("x();\n".repeat(301), "#[cfg(test)]\nmod tests {\n".to_owned() + &"y();\n".repeat(400));
    let fine = "x();\n".repeat(300) + &tests;
    let project = Project::of([
        ("crates/core/src/long.rs", code.as_str()),
        ("crates/core/src/fine.rs", fine.as_str()),
        ("crates/core/tests/fine.rs", code.as_str()),
    ]);
    assert_eq!(keep_files_short(&project), [complain("crates/core/src/long.rs", 300, "301 lines, 300 are allowed")]);
}

#[test]
fn a_large_folder_is_found() {
    let paths: Vec<String> = (0..11).map(|number| format!("crates/core/src/a/{number}.rs")).collect();
    let project: [(&str, &str); 11] = std::array::from_fn(|at| (paths[at].as_str(), ""));
    assert_eq!(keep_folders_small(&Project::of(project)).len(), 1);
}
