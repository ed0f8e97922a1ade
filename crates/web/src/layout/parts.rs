//! Small parts of pages: a state as a badge, an entry of a list to choose from, the way to the next page.

use askama::Template;

/// How a state feels. It is always told in words too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Nothing to say about it.
    Plain,
    /// Under way, or waiting by itself.
    Busy,
    /// Somebody should know.
    Warn,
    /// Somebody must act.
    Bad,
}

impl Tone {
    /// The class of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Plain => "plain",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// A sign that needs no colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Plain => "·",
            Self::Busy => "…",
            Self::Warn => "!",
            Self::Bad => "×",
        }
    }
}

/// A state in a word.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/badge.html")]
pub struct Badge {
    /// How it feels.
    pub tone: Tone,
    /// The word.
    pub label: String,
}

impl askama::filters::HtmlSafe for Badge {}

impl Badge {
    /// A badge.
    pub fn new(tone: Tone, label: impl Into<String>) -> Self {
        Self { tone, label: label.into() }
    }
}

/// An entry of a list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectOption {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub is_selected: bool,
}

impl SelectOption {
    /// Entries, of which one is chosen.
    pub fn list<'a>(entries: impl IntoIterator<Item = (&'a str, String)>, chosen: &str) -> Vec<Self> {
        let entry =
            |(value, label): (&str, String)| Self { value: value.to_owned(), label, is_selected: value == chosen };
        entries.into_iter().map(entry).collect()
    }
}

/// The way to the next page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPage {
    /// Where it leads.
    pub path: String,
}
