//! A page → what stands in it as code: between back-quotes, or in a block of its own.

use crate::files::File;

/// A piece of code in a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Span {
    pub line: usize,
    pub text: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Within a sentence: it may have gaps (`…`), names to be replaced, and alternatives.
    Inline,
    /// A line of a block, to be typed as it stands.
    Block,
}

/// Every piece of code; of the changelog only what is not released yet, for the rest speaks of the past.
pub fn spans(file: &File) -> Vec<Span> {
    let mut found = Vec::new();
    let (mut fenced, mut headings) = (false, 0);
    for (number, line) in (1..).zip(file.text.lines()) {
        headings += usize::from(line.starts_with("## "));
        if file.path == "CHANGELOG.md" && headings > 1 {
            break;
        }
        let is_page = file.path.ends_with(".md");
        if is_page && line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if is_page && (fenced || line.starts_with("    ")) {
            found.push(Span { line: number, text: line.trim().to_owned(), kind: Kind::Block });
        } else {
            let quoted = line.split('`').skip(1).step_by(2).filter(|text| !text.trim().is_empty());
            found.extend(quoted.map(|text| Span { line: number, text: text.to_owned(), kind: Kind::Inline }));
            found.extend(started(line).map(|text| Span { line: number, text, kind: Kind::Block }));
        }
    }
    found
}

/// What a unit of systemd or a container starts.
fn started(line: &str) -> Option<String> {
    if let Some(command) = line.strip_prefix("ExecStart=") {
        return Some(command.to_owned());
    }
    let words = line.trim_start();
    let list =
        ["CMD [", "HEALTHCHECK "].iter().any(|start| words.starts_with(start)).then(|| words.split_once('['))??.1;
    let words: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let rest = words.strip_prefix(&["rollbook"]).unwrap_or(&words);
    Some(format!("rollbook {}", rest.join(" ")))
}

#[test]
fn code_is_found_in_sentences_blocks_units_and_containers() {
    let text = "Say `a b` and `c`.\n\n    d | e\n\n```\nf\n```\n";
    let page = File { path: "docs/X.md".to_owned(), text: text.to_owned() };
    let texts: Vec<_> = spans(&page).into_iter().map(|span| (span.line, span.text, span.kind)).collect();
    let expected = [(1, "a b", Kind::Inline), (1, "c", Kind::Inline), (3, "d | e", Kind::Block), (6, "f", Kind::Block)];
    assert_eq!(texts, expected.map(|(line, text, kind)| (line, text.to_owned(), kind)));
    assert_eq!(started("ExecStart=/usr/bin/rollbook serve").unwrap(), "/usr/bin/rollbook serve");
    assert_eq!(started("CMD [\"serve\", \"-v\"]").unwrap(), "rollbook serve -v");
    assert_eq!(started("HEALTHCHECK --timeout=9s CMD [\"rollbook\", \"runs\"]").unwrap(), "rollbook runs");
}

#[test]
fn past_of_the_changelog_is_left_alone() {
    let text = "## Unreleased\n\n`now`\n\n## 0.1.0\n\n`then`\n";
    let page = File { path: "CHANGELOG.md".to_owned(), text: text.to_owned() };
    assert_eq!(spans(&page).len(), 1);
}
