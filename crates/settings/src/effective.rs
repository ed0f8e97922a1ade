//! Every key with its value and where that came from, for the page of the effective settings and for `doctor`.
//!
//! A secret's value is never here, only where it came from. Next: [`super::read`], which writes the list.

use std::fmt;

/// One key of the effective settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `site.learning.timeout`
    pub key: String,
    /// The value as the file would write it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This line of the file, counted from 1.
    Line(usize),
    /// This environment variable.
    Variable(String),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(out, "line {line}"),
            Self::Variable(name) => write!(out, "variable {name}"),
            Self::Default => out.write_str("default"),
        }
    }
}
