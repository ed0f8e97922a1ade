//! Quotes what a remote said: bounded, and kept out of logs where it may name people.
//!
//! It must never let a body, a mail address or a control character into `Display` or `Debug`. [`Words`] keeps a remote's
//! message for the journal; [`make_excerpt`] makes the short, harmless description that errors show.

use std::error::Error;
use std::fmt;

/// Longest quotation in an error, in characters.
pub const EXCERPT_MAX: usize = 120;
/// Longest cause that an error tells, in characters.
const CAUSE_MAX: usize = 200;
/// Longest message that is kept of a remote, in characters.
pub const WORDS_MAX: usize = 500;

/// A remote's own message, at most [`WORDS_MAX`] characters. It may name people, so that `Debug` gives its length
/// only and `Display` does not exist: whoever writes it to the journal asks for [`Words::as_str`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// Takes the message, cut and freed of control characters.
    pub fn new(text: &str) -> Self {
        Self(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect())
    }

    /// The message, for the journal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the remote said nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Words({} chars)", self.0.chars().count())
    }
}

/// Describes a body that was not what it should be, in at most about 200 characters: the title of an HTML page, the text
/// that stands before the JSON, or only the kind and length. Never any of the JSON itself.
pub fn make_excerpt(body: &[u8]) -> String {
    let body = strip_bom(body);
    let length = body.len();
    let head = String::from_utf8_lossy(&body[..length.min(4096)]).into_owned();
    let head = head.trim_start();
    if head.is_empty() {
        return "an empty body".to_owned();
    }
    // Pollution may be HTML too (`<br />\n<b>Warning</b>: …{json}`), so a page is only what says so or has a title.
    if let Some(title) = find_title(head) {
        return format!("an HTML page titled “{}” ({length} bytes)", quote(title));
    }
    if head.starts_with("<?xml") {
        return format!("XML ({length} bytes)");
    }
    if head.starts_with(['{', '[']) || head.starts_with("null") {
        return format!("JSON that cannot be read ({length} bytes)");
    }
    let before = head.split(['{', '[']).next().unwrap_or_default();
    format!("text that is not JSON: “{}” ({length} bytes)", quote(before))
}

/// Removes a UTF-8 byte order mark, which a stray editor leaves in a PHP file and PHP then sends.
pub fn strip_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

fn find_title(head: &str) -> Option<&str> {
    let lower = head.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let open = start + lower[start..].find('>')? + 1;
    let end = open + lower[open..].find("</title").unwrap_or(lower.len() - open);
    Some(&head[open..end])
}

/// One line of at most [`EXCERPT_MAX`] characters, in which a word with `@` (an address) becomes `…`.
pub fn quote(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(EXCERPT_MAX * 2).collect();
    let words: Vec<&str> = clean.split_whitespace().map(|word| if word.contains('@') { "…" } else { word }).collect();
    words.join(" ").chars().take(EXCERPT_MAX).collect()
}

/// The innermost cause: "Connection refused", "invalid peer certificate". The outer ones only say "error sending".
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(CAUSE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_a_title_or_the_stray_text_and_never_the_json() {
        let page = b"<!DOCTYPE html><html><head><TITLE>502 Bad Gateway</TITLE></head><body>jane@example.org</body>";
        assert_eq!(make_excerpt(page), format!("an HTML page titled “502 Bad Gateway” ({} bytes)", page.len()));
        let notice = b"Notice: foo{\"email\":\"jane@example.org\"}";
        assert_eq!(make_excerpt(notice), format!("text that is not JSON: “Notice: foo” ({} bytes)", notice.len()));
        assert_eq!(make_excerpt(b"[{\"email\":\"jane@example.org\""), "JSON that cannot be read (28 bytes)");
        assert_eq!(make_excerpt(b"<?xml version=\"1.0\"?><EXCEPTION/>"), "XML (33 bytes)");
        assert_eq!(make_excerpt(b" \n"), "an empty body");
        assert_eq!(make_excerpt(b"hello jane@example.org"), "text that is not JSON: “hello …” (22 bytes)");
        assert!(make_excerpt("ö".repeat(9000).as_bytes()).chars().count() < 200);
    }

    #[test]
    fn words_do_not_show_in_debug_and_are_cut() {
        let words = Words::new(&format!("Username already exists: jane\n{}", "x".repeat(900)));
        assert_eq!(format!("{words:?}"), "Words(500 chars)");
        assert!(words.as_str().starts_with("Username already exists: jane "));
    }
}
