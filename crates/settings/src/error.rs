//! What is wrong with a configuration, each with its line, so that it can be mended without this program's source.
//!
//! A problem never shows a secret: the text it quotes was masked by [`mask`] before.
//! Next: [`super::section`], which gathers them.

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The file as it may be shown.
pub(super) type Shown = Arc<NamedSource<String>>;

/// One thing that is wrong, or (as a [`Warning`]) unwise.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    message: String,
    label: Option<(String, Range<usize>)>,
    help: Option<String>,
    severity: Severity,
    shown: Shown,
}

/// Something that works but should be changed.
pub type Warning = Problem;

impl Problem {
    pub(super) fn new(shown: &Shown, severity: Severity, message: impl Into<String>) -> Self {
        Self { message: message.into(), label: None, help: None, severity, shown: Arc::clone(shown) }
    }

    pub(super) fn at(mut self, place: Range<usize>, label: impl Into<String>) -> Self {
        self.label = Some((label.into(), place));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column of the place, both counted from 1; the column counts characters. `None` when the cause is no
    /// line of the file.
    pub fn place(&self) -> Option<(usize, usize)> {
        let (_, place) = self.label.as_ref()?;
        let before = self.shown.inner().get(..place.start)?;
        let line = before.matches('\n').count() + 1;
        Some((line, before.chars().rev().take_while(|letter| *letter != '\n').count() + 1))
    }

    /// Where it begins, in bytes; what has no place comes first.
    pub(super) fn start(&self) -> usize {
        self.label.as_ref().map_or(0, |(_, place)| place.start)
    }

    /// What is wrong at the place, in a few words.
    pub fn detail(&self) -> Option<&str> {
        self.label.as_ref().map(|(label, _)| label.as_str())
    }

    /// What to do, in words.
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.label.is_some().then_some(&*self.shown as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (label, place) = self.label.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some(label.clone()), place.clone()))))
    }
}

/// Everything that is wrong with one configuration; never empty.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file} has {}", count(problems.len()))]
pub struct ConfigErrors {
    file: String,
    problems: Vec<Problem>,
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

impl ConfigErrors {
    pub(super) fn new(file: String, problems: Vec<Problem>) -> Self {
        Self { file, problems }
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Diagnostic for ConfigErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// A key whose name ends in one of these holds a secret.
const SECRET_ENDINGS: [&str; 5] = ["token", "password", "secret", "passphrase", "webhook"];

/// The text with each plain secret and each password inside a URL replaced by asterisks, byte for byte.
pub(super) fn mask(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for ending in SECRET_ENDINGS {
        for (at, _) in text.match_indices(ending) {
            if let Some(value) = value_after(text, at + ending.len()) {
                blank(&mut bytes[value]);
            }
        }
    }
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let end = text[start..].find(['"', '\'', '\n', ' ']).map_or(text.len(), |length| start + length);
        if let Some(sign) = text[start..end].rfind('@') {
            let from = text[start..start + sign].find(':').map_or(start, |colon| start + colon + 1);
            blank(&mut bytes[from..start + sign]);
        }
    }
    String::from_utf8(bytes).expect("whole characters were replaced by ASCII")
}

fn blank(secret: &mut [u8]) {
    secret.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
}

/// The range of the value that follows the end of a key: inside its quotes, in any of TOML's four quotings; where quotes were
/// forgotten, the rest of the line; a list to its end. A table that says where the secret is has none itself.
fn value_after(text: &str, key_end: usize) -> Option<Range<usize>> {
    let blanks = [' ', '\t'];
    let after_key = text[key_end..].trim_start_matches(['"', '\'']).trim_start_matches(blanks);
    let value = after_key.strip_prefix('=')?.trim_start_matches(blanks);
    let start = text.len() - value.len();
    if let Some(quote) = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| value.starts_with(quote)) {
        let from = start + quote.len();
        return Some(from..from + length_inside(&text[from..], quote));
    }
    let source = value.strip_prefix('{').map(|table| table.trim_start_matches(blanks));
    if source.is_some_and(|table| ["env", "file"].iter().any(|name| table.starts_with(name))) {
        return None;
    }
    let end = if value.starts_with('[') { value.find(']') } else { value.find('\n') };
    Some(start..start + end.unwrap_or(value.len()))
}

/// How long a quoted text is whose quote was opened just before; one that is never closed ends with its line.
fn length_inside(text: &str, quote: &str) -> usize {
    let rest = if quote.len() == 1 { text.lines().next().unwrap_or_default() } else { text };
    let closes = |at: usize| {
        let escapes = rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        quote.starts_with('\'') || escapes % 2 == 0
    };
    rest.match_indices(quote).map(|(at, _)| at).find(|at| closes(*at)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_secret_is_masked_however_it_is_quoted() {
        for (given, shown) in [
            ("token = \"abc\"", "token = \"***\""),
            ("completion_token='é'", "completion_token='**'"),
            ("\"password\" = \"a\\\"b\"", "\"password\" = \"****\""),
            ("auth = { user = \"x\", secret = \"yz\" }", "auth = { user = \"x\", secret = \"**\" }"),
            ("secret = \"\"\"a\nb\"\"\"", "secret = \"\"\"*\n*\"\"\""),
            ("token = abc\nurl = 1", "token = ***\nurl = 1"),
            ("token = [\"abc\",\n \"de\"]\nurl = 1", "token = *******\n*****]\nurl = 1"),
            ("token = { value = \"abc\" }", "token = *****************"),
            ("token = \"never closed\nurl = \"x\"", "token = \"************\nurl = \"x\""),
            ("url = \"mysql://u:p@h/d\"", "url = \"mysql://u:*@h/d\""),
            ("url = \"https://key@h/d\"", "url = \"https://***@h/d\""),
            ("url = \"postgres://u:p@q@h/d\"", "url = \"postgres://u:***@h/d\""),
        ] {
            assert_eq!(mask(given), shown);
        }
    }

    #[test]
    fn what_names_a_secret_is_not_masked() {
        let text = "token = { env = \"MOODLE_TOKEN\" }\nurl = \"https://moodle.example/x@y\"";
        assert_eq!(mask("token = { env = \"MOODLE_TOKEN\" }"), "token = { env = \"MOODLE_TOKEN\" }");
        assert!(mask(text).contains("MOODLE_TOKEN"));
    }
}
