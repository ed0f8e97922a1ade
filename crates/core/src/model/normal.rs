//! The one normal form of every text that a feed gives. docs/DIALECTS.md describes it for operators.
//!
//! 1. Zero-width and bidirectional marks are removed; a zero-width joiner stays between two letters outside ASCII, where
//!    scripts need it.
//! 2. Every kind of space (no-break, ideographic, tab, line break …) and every control character becomes a plain space;
//!    NUL stays, since no journal can keep it and its record is refused.
//! 3. Outer spaces are removed.
//! 4. Accents are composed (Unicode NFC), as Moodle's databases compare them.

use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The normal form of a text; the text itself where it is normal already.
pub fn normal(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim_matches(' ');
    if trimmed.bytes().all(|byte| byte == 0 || (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(trimmed);
    }
    let mut plain = String::with_capacity(trimmed.len());
    let mut letters = trimmed.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{200c}' | '\u{200d}' => {
                let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_mark(c) && !c.is_whitespace());
                if joins(plain.chars().next_back()) && joins(letters.peek().copied()) {
                    plain.push(letter);
                }
            }
            letter if is_mark(letter) => {}
            '\0' => plain.push(letter),
            letter if letter.is_whitespace() || letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    let plain = plain.trim_matches(' ');
    let composed: Cow<'_, str> = if is_nfc(plain) { plain.into() } else { plain.nfc().collect::<String>().into() };
    if composed == text { Cow::Borrowed(text) } else { Cow::Owned(composed.into_owned()) }
}

/// Marks that show nothing: zero-width ones, and those that turn the direction of writing.
fn is_mark(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn padding_marks_and_accents_are_read_alike() {
        for (given, read) in [
            ("x   ", "x"),
            ("Enrol\u{a0}", "Enrol"),
            ("\u{feff}G1\u{200b}", "G1"),
            ("a\u{a0}b", "a b"),
            ("a\tb\r\n", "a b"),
            ("Jose\u{301}", "José"),
            ("\u{202e}G7\u{202c}", "G7"),
            ("\u{3000}\u{2007}", ""),
            ("\u{200b}", ""),
            ("G\u{200d}1", "G1"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}💻", "👩\u{200d}💻"),
            ("a\0", "a\0"),
            ("plain", "plain"),
        ] {
            assert_eq!(normal(given), read, "{given:?}");
            assert_eq!(normal(&normal(given)), normal(given), "{given:?}: normal twice is normal");
        }
    }
}
