//! A line that one types → the commands of ours in it.

use super::spans::Kind;

/// A command of ours.
#[derive(Debug, PartialEq, Eq)]
pub enum Called {
    /// The words after `rollbook`.
    Rollbook(Vec<String>),
    /// `./dev COMMAND`
    Dev(String),
}

/// The commands of ours in a piece of code.
pub fn called(text: &str, kind: Kind) -> Vec<Called> {
    let mut found = Vec::new();
    for part in parts(text, kind) {
        let words = before(&part);
        match words.split_first() {
            Some((first, rest)) if first == "rollbook" || first.ends_with("/rollbook") => {
                found.push(Called::Rollbook(rest.to_vec()));
            }
            Some((first, rest)) if first == "cargo" && rest.first().is_some_and(|word| word == "run") => {
                let ours = rest.iter().skip_while(|word| *word != "--").skip(1).cloned();
                found.push(Called::Rollbook(ours.collect()));
            }
            Some((first, rest)) if first == "./dev" => found.extend(rest.first().cloned().map(Called::Dev)),
            _ => {}
        }
    }
    found
}

/// The words of each command of a line, without comments, pipes and redirections. A `|` in a sentence means "or".
fn parts(text: &str, kind: Kind) -> Vec<Vec<String>> {
    let (mut parts, mut quote) = (vec![vec![String::new()]], None);
    for letter in text.chars() {
        let words = parts.last_mut().expect("there is one from the start");
        let word = words.last_mut().expect("there is one from the start");
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '#') if word.is_empty() => break,
            (None, '|' | ';' | '&' | '>' | '(' | ')') if kind == Kind::Block => {
                let redirects = letter == '>';
                parts.push(vec![String::new()]);
                // What is written to is no command.
                if redirects {
                    parts.last_mut().expect("it was just made").push("to".to_owned());
                }
            }
            (None, ' ' | '\t') => {
                if !word.is_empty() {
                    words.push(String::new());
                }
            }
            _ => word.push(letter),
        }
    }
    let whole = parts.into_iter().map(|words| words.into_iter().filter(|word| !word.is_empty()).collect());
    whole.collect()
}

/// The words from the command on: after variables, `sudo -u NAME`, and the times and the account of cron.
fn before(words: &[String]) -> &[String] {
    let is_time = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit() || b"*,-/".contains(&byte));
    let mut rest = words;
    if rest.len() > 6 && rest[..5].iter().all(is_time) {
        rest = &rest[6..];
    }
    while let Some((first, after)) = rest.split_first() {
        rest = match first.as_str() {
            "$" | "export" | "sudo" | "nice" => after,
            "-u" | "-n" => after.get(1..).unwrap_or_default(),
            word if word.contains('=') && !word.starts_with('-') => after,
            _ => break,
        };
    }
    rest
}

#[test]
fn line_becomes_the_words_of_its_commands() {
    let words = |text: &str| match called(text, Kind::Block).remove(0) {
        Called::Rollbook(words) => words.join(" "),
        Called::Dev(command) => command,
    };
    assert_eq!(words("sudo -u rollbook A=b rollbook log --q \"a | b\" | head > file"), "log --q a | b");
    assert_eq!(words("5,15 6-18 * * 1-5  rollbook  rollbook runs"), "runs");
    assert_eq!(words("cargo run --release -- demo  # words"), "demo");
    assert_eq!(called("install -g rollbook -m 750 /etc/rollbook", Kind::Block), []);
    assert_eq!(called("php x.php > rollbook", Kind::Block), []);
    assert_eq!(called("./dev live --moodle URL", Kind::Inline), [Called::Dev("live".to_owned())]);
}
