//! The one place that prints: human text or JSON on standard output, trouble on standard error.
//!
//! With `--json` the human lines are left out, and without it the JSON is: a command prints both and asks no question. A
//! reader that hangs up (`| head`) is no failure: the rest is dropped, and the work goes on. It must never print a
//! secret. Next: [`table`], [`progress`].

mod progress;
mod sign;
mod table;

pub use progress::Progress;
pub use sign::Sign;
pub use table::{Table, shorten};

use super::Options;
use anstream::AutoStream;
use clap::ColorChoice;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, JSONReportHandler};
use serde::Serialize;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Where answers go.
pub struct Output {
    answers: Box<dyn Write + Send>,
    trouble: Box<dyn Write + Send>,
    format: Format,
    look: Look,
    state: io::Result<Reader>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Human,
    Json,
}

#[derive(Debug)]
enum Reader {
    Listens,
    HungUp,
}

/// How human text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    signs: Signs,
    colour: Colour,
    /// Columns of the terminal, else 80.
    width: u16,
    /// Whether tables show every column whole.
    wide: bool,
    terminal: bool,
    lines: Lines,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signs {
    Unicode,
    Ascii,
}

/// What becomes of a line that is longer than the terminal is wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// It goes on in the next line, under its own words.
    Wrapped,
    /// It stays whole: a program reads it, or a file keeps it.
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Plain,
    Coloured,
}

impl Output {
    /// Standard output and standard error, as the options and the terminal want it.
    pub(super) fn of(options: &Options) -> Self {
        let wanted = match options.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        let answers = AutoStream::new(io::stdout(), wanted);
        let trouble = AutoStream::new(io::stderr(), wanted);
        let colour = match trouble.current_choice() {
            anstream::ColorChoice::Never => Colour::Plain,
            _ => Colour::Coloured,
        };
        let signs = if options.ascii { Signs::Ascii } else { Signs::Unicode };
        let width = terminal_size::terminal_size().map_or(80, |(columns, _)| columns.0.clamp(40, 200));
        let lines = if io::stdout().is_terminal() { Lines::Wrapped } else { Lines::Whole };
        let (wide, terminal) = (options.wide, io::stderr().is_terminal());
        let look = Look { signs, colour, width, wide, terminal, lines };
        let format = if options.json { Format::Json } else { Format::Human };
        Self { answers: Box::new(answers), trouble: Box::new(trouble), format, look, state: Ok(Reader::Listens) }
    }

    /// A line of human text.
    pub fn line(&mut self, text: impl Display) {
        self.hanging(0, text);
    }

    /// A line of human text after a sign.
    pub fn sign(&mut self, sign: Sign, text: impl Display) {
        let sign = sign.drawn(self.look.signs).to_string();
        let under = textwrap::core::display_width(&sign) + 1;
        self.hanging(under, format_args!("{sign} {text}"));
    }

    /// A command to copy: never broken, whatever its length.
    pub fn command(&mut self, text: impl Display) {
        if self.format == Format::Human {
            self.write(format_args!("  {text}\n"));
        }
    }

    /// A line of human text that goes on `under` columns to the right of where it begins.
    pub fn hanging(&mut self, under: usize, text: impl Display) {
        match (self.format, self.look.lines) {
            (Format::Json, _) => {}
            (Format::Human, Lines::Whole) => self.write(format_args!("{text}\n")),
            (Format::Human, Lines::Wrapped) => {
                let text = wrap(&text.to_string(), under, self.look.width.into());
                self.write(format_args!("{text}\n"));
            }
        }
    }

    /// A sign as it is drawn here, to stand inside a line.
    pub fn drawn(&self, sign: Sign) -> impl Display + use<> {
        sign.drawn(self.look.signs)
    }

    /// A heading with a blank line before it.
    pub fn heading(&mut self, text: impl Display) {
        let bold = anstyle::Style::new().bold();
        self.line(format_args!("\n{bold}{text}{bold:#}"));
    }

    /// A table.
    pub fn table(&mut self, table: &Table) {
        if self.format == Format::Human {
            let drawn = table.drawn((!self.look.wide).then_some(self.look.width));
            self.write(format_args!("{drawn}\n"));
        }
    }

    /// The answer as one JSON document on one line.
    pub fn json(&mut self, answer: &impl Serialize) {
        if self.format == Format::Json {
            match serde_json::to_string(answer) {
                Ok(text) => self.write(format_args!("{text}\n")),
                Err(error) => self.state = Err(error.into()),
            }
        }
    }

    /// Text that another program reads, such as CSV, whatever the format.
    pub fn raw(&mut self, text: &str) {
        self.write(format_args!("{text}"));
    }

    /// An error or a warning, on standard error: drawn for people, or as one JSON document.
    pub fn failure(&mut self, report: &dyn Diagnostic) {
        let mut text = String::new();
        let drawn = match self.format {
            Format::Human => self.look.reports().render_report(&mut text, report),
            Format::Json => JSONReportHandler::new().render_report(&mut text, report),
        };
        let words = drawn.map_or_else(|_| report.to_string(), |()| text.trim_end().to_owned());
        let _nobody_reads_errors = writeln!(self.trouble, "{words}");
    }

    /// How many columns an answer may take: those of the terminal, else 80; `None` where every value is shown whole.
    pub fn width(&self) -> Option<usize> {
        (!self.look.wide).then_some(self.look.width.into())
    }

    /// Whether people read this, not a program.
    pub fn is_human(&self) -> bool {
        self.format == Format::Human
    }

    /// Whether somebody watches a terminal.
    pub fn is_terminal(&self) -> bool {
        self.look.terminal
    }

    /// A bar on a terminal, nothing elsewhere. `total` counts what `what` names.
    pub fn progress(&self, total: u64, what: &str) -> Progress {
        if self.look.terminal && self.format == Format::Human {
            Progress::shown(total, what, self.look.signs)
        } else {
            Progress::hidden()
        }
    }

    /// Ends the output; an error when an answer could not be written for another reason than a reader that hung up.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.write(format_args!(""));
        std::mem::replace(&mut self.state, Ok(Reader::HungUp)).map(drop)
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        if let Ok(Reader::Listens) = self.state
            && let Err(error) = self.answers.write_fmt(text).and_then(|()| self.answers.flush())
        {
            self.state = if error.kind() == ErrorKind::BrokenPipe { Ok(Reader::HungUp) } else { Err(error) };
        }
    }
}

impl Look {
    fn reports(self) -> GraphicalReportHandler {
        let theme = match (self.signs, self.colour) {
            (Signs::Ascii, _) => GraphicalTheme::none(),
            (Signs::Unicode, Colour::Plain) => GraphicalTheme::unicode_nocolor(),
            (Signs::Unicode, Colour::Coloured) => GraphicalTheme::unicode(),
        };
        GraphicalReportHandler::new_themed(theme)
            .with_width(self.width.into())
            .with_break_words(false)
            .with_links(false)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Output").field("format", &self.format).field("look", &self.look).finish_non_exhaustive()
    }
}

/// Breaks what is too wide between words; what has no blank, such as an address, stays whole.
fn wrap(text: &str, under: usize, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let begins = line.len() - line.trim_start().len();
        let indent = " ".repeat((begins + under).min(width / 2));
        let options = textwrap::Options::new(width).subsequent_indent(&indent).break_words(false);
        let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
        let options = options.word_separator(textwrap::WordSeparator::AsciiSpace);
        lines.extend(textwrap::wrap(line, options));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
