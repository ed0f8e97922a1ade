//! What is wrong with a configuration, each with its line, so that it can be mended without this program's source.
//!
//! A problem never shows a secret: the text it quotes was masked by [`super::mask`] before.
//! Next: [`super::read`], which gathers them.

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
