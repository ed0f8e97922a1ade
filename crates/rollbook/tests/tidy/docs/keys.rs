//! Keys and sections of the configuration that a page names, against those that there are.
//!
//! The example names every key, which the configuration's own tests hold; so it is the list.

use super::spans::{Kind, Span, spans};
use crate::files::Project;
use crate::{Complaint, complain};
use std::collections::BTreeSet;
use toml::{Table, Value};

pub fn name_only_keys_that_exist(project: &Project) -> Vec<Complaint> {
    let example = project.files.iter().find(|file| file.path == "rollbook.example.toml");
    let known = known_keys(example.map(|file| file.text.as_str()).unwrap_or_default());
    let mut complaints = Vec::new();
    for file in project.files.iter().filter(|file| file.path.ends_with(".md")) {
        let spans = spans(file);
        for span in spans.iter().filter(|span| span.kind == Kind::Inline) {
            complaints.extend(in_a_sentence(&span.text, &known).map(|why| complain(&file.path, span.line, why)));
        }
        for (line, text) in blocks(&spans) {
            let unknown = in_a_block(&text, &known);
            complaints.extend(unknown.into_iter().map(|why| complain(&file.path, line, why)));
        }
    }
    complaints
}

/// Every key and section, with `*` where people choose a name.
fn known_keys(example: &str) -> BTreeSet<String> {
    let is_key = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
    };
    let spelled: String =
        example.lines().map(|line| if is_key(line) { &line[1..] } else { line }.to_owned() + "\n").collect();
    let table: Table = spelled.parse().expect("the example is TOML, which the configuration's tests hold");
    let mut keys = BTreeSet::new();
    gather(&table, "", &mut keys);
    keys
}

fn gather(table: &Table, above: &str, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let name = if matches!(above, "site" | "link") { "*" } else { name };
        let key = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        match value {
            Value::Table(below) if is_secret(below) => {}
            Value::Table(below) => gather(below, &key, keys),
            Value::Array(many) => many.iter().filter_map(Value::as_table).for_each(|below| gather(below, &key, keys)),
            _ => {}
        }
        keys.insert(key);
    }
}

/// `{ env = "NAME" }`, `{ file = "path" }`
fn is_secret(table: &Table) -> bool {
    table.len() == 1 && table.keys().all(|key| matches!(key.as_str(), "env" | "file"))
}

/// `[link.psa.limits]`, `mode = "rollbook"`.
fn in_a_sentence(text: &str, known: &BTreeSet<String>) -> Option<String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    if let Some(section) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let section = section.trim_matches(['[', ']']);
        let key = generic(section);
        return (is_name(section) && !known.contains(&key)).then(|| format!("the configuration has no [{section}]"));
    }
    let (name, _) = text.split_once(" = ")?;
    let last = |key: &String| key.rsplit('.').next() == Some(name);
    (is_name(name) && !known.iter().any(last)).then(|| format!("the configuration has no key {name}"))
}

/// The key with `*` for the second word of a site or a link.
fn generic(key: &str) -> String {
    let mut parts: Vec<&str> = key.split('.').collect();
    if parts.len() > 1 && matches!(parts[0], "site" | "link") {
        parts[1] = "*";
    }
    parts.join(".")
}

/// Lines of a block that stand together, one text each, blank lines between them included.
fn blocks(spans: &[Span]) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, usize, String)> = Vec::new();
    for span in spans.iter().filter(|span| span.kind == Kind::Block) {
        match blocks.last_mut() {
            Some((_, last, text)) if span.line <= *last + 2 => {
                *last = span.line;
                text.push('\n');
                text.push_str(&span.text);
            }
            _ => blocks.push((span.line, span.line, span.text.clone())),
        }
    }
    blocks.into_iter().map(|(line, _, text)| (line, text)).collect()
}

/// A block that has a section of a configuration is one.
fn in_a_block(text: &str, known: &BTreeSet<String>) -> Vec<String> {
    let is_section = |line: &str| line.starts_with('[') && line.ends_with(']') && line.contains(char::is_alphabetic);
    if !text.lines().any(is_section) {
        return Vec::new();
    }
    match text.parse::<Table>() {
        Ok(table) => {
            let mut keys = BTreeSet::new();
            gather(&table, "", &mut keys);
            keys.into_iter()
                .filter(|key| !known.contains(key))
                .map(|key| format!("the configuration has no {key}"))
                .collect()
        }
        Err(error) => vec![format!("this configuration is no TOML: {}", error.message())],
    }
}

#[test]
fn keys_that_do_not_exist_are_found() {
    let example = (
        "rollbook.example.toml",
        "#timezone = \"UTC\"\n[site.a]\nkind = \"elm\"\n[link.b.limits]\n#new_accounts = 5\n",
    );
    let bad = [
        ("docs/A.md", "Write `knid = \"elm\"`.", 1),
        ("docs/A.md", "See `[link.psa.limit]`.", 1),
        ("docs/A.md", "Thus:\n\n    timzone = \"UTC\"\n\n    [site.x]\n    kind = \"elm\"\n    tokn = 1\n", 2),
        ("docs/A.md", "    [site.x]\n    kind =\n", 1),
    ];
    for (path, text, complaints) in bad {
        assert_eq!(name_only_keys_that_exist(&Project::of([example, (path, text)])).len(), complaints, "{text}");
    }
    let good = "`[link.psa.limits]`, `kind = \"elm\"`, `new_accounts = 7`\n\n    timezone = \"X\"\n\n    [site.mine]\n    kind = { file = \"x\" }\n";
    assert_eq!(name_only_keys_that_exist(&Project::of([example, ("docs/A.md", good)])), []);
}
