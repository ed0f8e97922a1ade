//! What a section has to say while it is read: a value for the list of settings, a problem, a warning.
//!
//! A problem says where, what is wrong and what would be right; it must never quote a secret.
//! Next: [`super::error`], how it is drawn.

use super::error::Problem;
use super::read::{Section, Taken};
use super::{Origin, Setting};
use miette::Severity;
use std::ops::Range;

impl Section<'_> {
    /// Notes the value for the page of the effective settings.
    pub fn note(&self, key: &str, value: String, origin: Origin) {
        self.reader.found.borrow_mut().settings.push(Setting { key: self.name_of(key), value, origin });
    }

    /// Notes what is wrong with a value that was taken.
    pub fn wrong(&self, key: &str, taken: &Taken, label: impl Into<String>, help: Option<String>) {
        match &taken.origin {
            Origin::Variable(variable) => {
                let message = format!(
                    "the environment variable {variable} is wrong for `{}`: {}",
                    self.name_of(key),
                    label.into()
                );
                self.problem(message, 0..0, "", help);
            }
            _ => self.problem(format!("`{key}` is wrong in {}", self.title()), taken.place.clone(), label, help),
        }
    }

    /// Notes a problem at a place of the file; an empty label means that there is none.
    pub fn problem(&self, message: String, place: Range<usize>, label: impl Into<String>, help: Option<String>) {
        let (label, mut problem) = (label.into(), Problem::new(&self.reader.shown, Severity::Error, message));
        if !label.is_empty() {
            problem = problem.at(place, label);
        }
        if let Some(help) = help {
            problem = problem.help(help);
        }
        self.reader.found.borrow_mut().problems.push(problem);
    }

    /// Notes something that works but should be changed.
    pub fn warn(&self, message: impl Into<String>, place: Range<usize>, label: &str, help: impl Into<String>) {
        let warning = Problem::new(&self.reader.shown, Severity::Warning, message).at(place, label).help(help);
        self.reader.found.borrow_mut().warnings.push(warning);
    }

    /// Notes that a key is missing.
    pub fn miss(&self, key: &str, help: String) {
        let message = format!("`{key}` is missing in {}", self.title());
        let label = if self.header.is_empty() { "" } else { "this section" };
        self.problem(message, self.header.clone(), label, Some(help));
    }

    /// Notes a key that nobody asked for.
    pub(super) fn refuse_unknown(&self, key: &str, place: Range<usize>) {
        let known = self.asked.iter().map(|known| (strsim::jaro_winkler(known, key), known));
        let closest = known.filter(|(likeness, _)| *likeness > 0.8).max_by(|one, other| one.0.total_cmp(&other.0));
        let help = match closest {
            Some((_, known)) => format!("did you mean `{known}`?"),
            None => format!("known here: {}", self.asked.join(", ")),
        };
        self.problem(format!("unknown key `{key}` in {}", self.title()), place, "nothing reads this", Some(help));
    }

    fn title(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("[{}]", self.path) }
    }
}
