//! What a file must say, and what it must not.
//!
//! Next: [`crate::docs`].

use crate::code::{code_only, product_code};
use crate::files::{File, Project};
use crate::{Complaint, complain};

/// What product code does not do, where it may, and why not.
const SHORTCUTS: [(&str, &[&str], &str); 12] = [
    (".unwrap()", &[], "name the cause: `?`, a value instead, or `expect(\"why this cannot happen\")`"),
    ("Timestamp::now", &["crates/rollbook/src/clock.rs"], "only clock reads the time"),
    ("Zoned::now", &[], "only clock reads the time"),
    ("SystemTime::now", &[], "only clock reads the time"),
    ("Instant::now", &["crates/rollbook/src/clock.rs"], "only clock reads the time"),
    ("env::var", &["crates/rollbook/src/config/env.rs"], "only config reads the environment"),
    ("TimeZone::get(", &[], "rollbook_clock::zone asks the database that is compiled in"),
    ("TimeZone::system", &[], "the machine's zone is nobody's: a zone is configured"),
    ("#[allow(", &[], "an exception is #[expect(lint, reason = \"…\")]"),
    ("todo!(", &[], "finish it, or leave it out"),
    ("unimplemented!(", &[], "finish it, or leave it out"),
    ("dbg!(", &[], "say it in the log, or not at all"),
];

/// What tests do not do either.
const TEST_SHORTCUTS: [(&str, &str); 3] = [
    ("#[ignore", "a test that does not run shows nothing"),
    ("thread::sleep", "a test waits for what it means, with a bound"),
    ("#[allow(", "an exception is #[expect(lint, reason = \"…\")]"),
];

/// The crates whose code is the product; the sandbox plays other systems and has a clock of its own.
fn is_ours(file: &File) -> bool {
    matches!(file.module().0, "core" | "rollbook")
}

pub fn open_with_a_header(project: &Project) -> Vec<Complaint> {
    let roots = |file: &&File| file.path.ends_with("/main.rs") && file.path.contains("/tests/");
    let modules = project.product().chain(project.files.iter().filter(roots));
    let bare = modules.filter(|file| {
        let mut header = file.text.lines().take_while(|line| line.starts_with("//!"));
        header.next().is_none_or(|line| line.len() <= 20)
    });
    bare.map(|file| {
        complain(&file.path, 1, "a module opens with `//!`: what it does, what it must never do, where to go next")
    })
    .collect()
}

pub fn take_no_shortcut(project: &Project) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in project.product().filter(|file| is_ours(file)) {
        for (number, line) in product_code(&file.text).lines().enumerate() {
            let taken = SHORTCUTS
                .iter()
                .filter(|(text, places, _)| line.contains(text) && !places.contains(&file.path.as_str()));
            complaints.extend(taken.map(|(text, _, why)| complain(&file.path, number + 1, format!("`{text}`: {why}"))));
        }
    }
    let tests =
        project.files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/") && !file.is_product());
    for file in tests {
        for (number, line) in code_only(&file.text).lines().enumerate() {
            let taken = TEST_SHORTCUTS.iter().filter(|(text, _)| line.contains(text));
            complaints.extend(taken.map(|(text, why)| complain(&file.path, number + 1, format!("`{text}`: {why}"))));
        }
    }
    complaints
}

#[test]
fn a_module_without_a_header_is_found() {
    let project = Project::of([
        ("crates/core/src/bare.rs", "use std::fmt;\n"),
        ("crates/core/src/short.rs", "//! Helpers.\n"),
        ("crates/core/src/good.rs", "//! Orders the changes of a plan.\n"),
    ]);
    assert_eq!(open_with_a_header(&project).len(), 2);
}

#[test]
fn each_shortcut_is_found_in_code_and_not_in_words() {
    for (text, _, _) in SHORTCUTS {
        let code = format!("let x = {text};\n");
        let words = format!("// {text}\nlet x = \"{text}\";\n#[cfg(test)]\nmod tests {{ {text} }}\n");
        let bad = Project::of([("crates/core/src/a.rs", code.as_str()), ("crates/core/src/b.rs", words.as_str())]);
        assert_eq!(take_no_shortcut(&bad).len(), 1, "{text}");
    }
    for (text, _) in TEST_SHORTCUTS {
        assert_eq!(take_no_shortcut(&Project::of([("crates/core/tests/a.rs", text)])).len(), 1, "{text}");
    }
}
