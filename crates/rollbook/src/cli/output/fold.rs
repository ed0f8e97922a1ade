//! Long lines on a terminal: broken between words, and what follows stands under what began. Elsewhere a line stays whole,
//! so that it can be searched.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// No less than so many columns are used beside the indentation.
const ROOM_MIN: usize = 20;

/// Folds each line of `text` to `width` columns; further lines are indented as the first, and by `hang` more.
pub(super) fn fold(text: &str, width: usize, hang: usize) -> Cow<'_, str> {
    if text.lines().all(|line| columns(line) <= width) {
        return Cow::Borrowed(text);
    }
    let folded: Vec<String> = text.split('\n').map(|line| fold_line(line, width, hang)).collect();
    Cow::Owned(folded.join("\n"))
}

fn fold_line(line: &str, width: usize, hang: usize) -> String {
    let own = line.len() - line.trim_start_matches(' ').len();
    let indent = (own + hang).min(width.saturating_sub(ROOM_MIN));
    let (mut out, mut used) = (" ".repeat(own), own);
    for (number, word) in line[own..].split(' ').enumerate() {
        let length = columns(word);
        if number > 0 {
            if used + 1 + length > width && used > indent {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                used = indent;
            } else {
                out.push(' ');
                used += 1;
            }
        }
        out.push_str(word);
        used += length;
    }
    out
}

/// How many columns a text takes; what only colours it takes none.
fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(|character| character.is_ascii_alphabetic());
        } else {
            columns += character.width().unwrap_or(0);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_line_stays_as_it_is() {
        assert!(matches!(fold("    and 3 more", 40, 2), Cow::Borrowed(_)));
    }

    #[test]
    fn what_follows_stands_under_what_began() {
        let folded = fold("    member001 in Café: the account fits another member of the community too", 40, 2);
        assert_eq!(folded, "    member001 in Café: the account fits\n      another member of the community too");
    }

    #[test]
    fn colours_take_no_columns_and_wide_characters_two() {
        assert_eq!(columns("\u{1b}[32m✓\u{1b}[0m 日本"), 6);
        assert!(matches!(fold("\u{1b}[1m12345678901234567890\u{1b}[0m", 20, 2), Cow::Borrowed(_)));
    }

    #[test]
    fn a_word_that_is_too_long_is_not_cut_and_lines_are_folded_each() {
        let long = "x".repeat(50);
        assert_eq!(fold(&format!("a {long} b\nshort"), 30, 0), format!("a\n{long}\nb\nshort"));
    }
}
