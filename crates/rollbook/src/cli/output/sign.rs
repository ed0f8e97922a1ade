//! The signs before a line.
//!
//! They repeat what the words say: nobody has to see a colour. Next: [`super::Output::sign`].

use super::Signs;
use anstyle::{AnsiColor, Style};
use std::fmt::{self, Display};

/// What a line tells at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// ✓ it is done or well.
    Done,
    /// ✗ it failed.
    Failed,
    /// ℹ it is so.
    Note,
    /// ⚠ somebody should look.
    Warning,
    /// → something was done to a record.
    Step,
}

impl Sign {
    pub(super) fn drawn(self, signs: Signs) -> impl Display {
        let (unicode, ascii, colour) = match self {
            Self::Done => ("✓", "[ok]", AnsiColor::Green),
            Self::Failed => ("✗", "[x]", AnsiColor::Red),
            Self::Note => ("ℹ", "[i]", AnsiColor::Blue),
            Self::Warning => ("⚠", "[!]", AnsiColor::Yellow),
            Self::Step => ("→", "->", AnsiColor::Cyan),
        };
        let text = if signs == Signs::Unicode { unicode } else { ascii };
        Drawn { text, style: Style::new().fg_color(Some(colour.into())) }
    }
}

struct Drawn {
    text: &'static str,
    style: Style,
}

impl Display for Drawn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, style } = self;
        write!(out, "{style}{text}{style:#}")
    }
}
