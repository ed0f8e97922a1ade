//! Rust text → what counts of it: the code without comments, literals and tests, and the paths that it names.
//!
//! It is no parser; it knows as much of the language as the rules need. Next: [`crate::boundaries`].

/// The text with comments and the inside of literals blanked; lines keep their numbers.
pub fn code_only(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = literal_or_comment(&letters, at);
        if end == at {
            out.push(letters[at]);
            at += 1;
        } else {
            out.extend(letters[at..end].iter().map(|letter| if *letter == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The code before the module of tests.
pub fn product_code(text: &str) -> String {
    let code = code_only(text);
    let lines: Vec<_> = code.split_inclusive('\n').collect();
    let tests = (0..lines.len()).find(|at| {
        let next = lines[at + 1..].iter().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("#["));
        lines[*at].trim() == "#[cfg(test)]" && next.is_some_and(|line| line.trim_start().starts_with("mod "))
    });
    lines[..tests.unwrap_or(lines.len())].concat()
}

/// Where the comment or literal ends that begins at `at`; `at` itself when none does.
fn literal_or_comment(letters: &[char], at: usize) -> usize {
    let starts =
        |text: &str| text.chars().enumerate().all(|(offset, letter)| letters.get(at + offset) == Some(&letter));
    let find = |from: usize, text: &str| {
        let wanted: Vec<char> = text.chars().collect();
        (from..letters.len())
            .find(|start| letters[*start..].starts_with(&wanted))
            .map_or(letters.len(), |s| s + wanted.len())
    };
    let word_before = at > 0 && (letters[at - 1].is_alphanumeric() || letters[at - 1] == '_');
    if starts("//") {
        return (at..letters.len()).find(|end| letters[*end] == '\n').unwrap_or(letters.len());
    }
    if starts("/*") {
        return find(at + 2, "*/");
    }
    if starts("r\"") || starts("r#") && !word_before {
        let hashes = letters[at + 1..].iter().take_while(|letter| **letter == '#').count();
        if letters.get(at + 1 + hashes) == Some(&'"') {
            return find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    if starts("\"") {
        return quoted(letters, at, '"');
    }
    let closes = |offset: usize| letters.get(at + offset) == Some(&'\'');
    if starts("'") && (closes(2) && !closes(1) || letters.get(at + 1) == Some(&'\\')) {
        return quoted(letters, at, '\'');
    }
    at
}

fn quoted(letters: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < letters.len() && letters[end] != quote {
        end += if letters[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(letters.len())
}

/// A path that the code names, such as `crate::clock::Clock`, with its line.
pub struct Named {
    pub line: usize,
    pub parts: Vec<String>,
}

/// Every path of two parts and more, with groups (`use a::{b, c::d}`) written out.
pub fn paths(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = is_word(&tokens[at].0) && (at == 0 || tokens[at - 1].0 != "::");
        at = if starts { path(&tokens, at, &[], &mut found) } else { at + 1 };
    }
    found
}

/// Reads one path from `at` on, after the parts of an outer group; gives where it ends.
fn path(tokens: &[(String, usize)], mut at: usize, outer: &[String], found: &mut Vec<Named>) -> usize {
    let line = tokens[at].1;
    let mut parts = outer.to_vec();
    loop {
        parts.push(tokens[at].0.clone());
        at += 1;
        let text = |at: usize| tokens.get(at).map_or("", |token| token.0.as_str());
        if text(at) != "::" {
            break;
        }
        if text(at + 1) == "{" {
            at += 2;
            while at < tokens.len() && tokens[at].0 != "}" {
                at = match tokens[at].0.as_str() {
                    "as" => at + 2,
                    word if is_word(word) => path(tokens, at, &parts, found),
                    _ => at + 1,
                };
            }
            return at + 1;
        }
        if !is_word(text(at + 1)) {
            break;
        }
        at += 1;
    }
    if parts.len() > 1 {
        found.push(Named { line, parts });
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_' || letter == '*')
}

fn tokens(code: &str) -> Vec<(String, usize)> {
    let mut tokens: Vec<(String, usize)> = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if first.is_alphanumeric() || first == '_' => {
                    rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len())
                }
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push((rest[..length].to_owned(), number + 1));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

#[test]
fn comments_literals_and_tests_do_not_count() {
    let text = "a /* b */ \"c\\\"d\" r#\"e\"f\"# 'g' '\\'' &'h i // j\nk\n#[cfg(test)]\nmod tests { l }";
    let kept: String = product_code(text).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(kept, "a &'h i k");
}

#[test]
fn groups_are_written_out() {
    let code = "use a::{b::{self, C}, d as e};\nlet x = f::g::<h::I>(1);";
    let paths: Vec<_> = paths(code).iter().map(|named| format!("{} {}", named.line, named.parts.join("::"))).collect();
    assert_eq!(paths, ["1 a::b::self", "1 a::b::C", "1 a::d", "2 f::g", "2 h::I"]);
}
