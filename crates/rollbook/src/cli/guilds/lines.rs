//! The lines of a synchronisation. In a dry run every one of them says that it is one.

use crate::cli::output::{Output, Sign};
use rollbook_sync::flows::guilds::Purpose;
use std::fmt::Display;

/// How many steps a synchronisation tells.
const STEPS: u8 = 5;

/// Where a synchronisation is told.
pub(super) struct Lines<'a> {
    pub(super) out: &'a mut Output,
    pub(super) purpose: Purpose,
}

impl Lines<'_> {
    pub(super) fn is_dry(&self) -> bool {
        self.purpose == Purpose::DryRun
    }

    fn mark(&self) -> &'static str {
        if self.is_dry() { "[dry run] " } else { "" }
    }

    /// The heading of a numbered step.
    pub(super) fn step(&mut self, number: u8, title: &str) {
        let mark = self.mark();
        self.out.heading(format_args!("{mark}[{number}/{STEPS}] {title}"));
    }

    /// A line after a sign.
    pub(super) fn sign(&mut self, sign: Sign, text: impl Display) {
        let (mark, sign) = (self.mark(), self.out.drawn(sign).to_string());
        self.out.hanging(mark.len() + 2, format_args!("{sign} {mark}{text}"));
    }

    /// A plain line.
    pub(super) fn line(&mut self, text: impl Display) {
        let (mark, text) = (self.mark(), text.to_string());
        // A line's own indentation counts by itself; behind a mark it does not.
        let begins = if mark.is_empty() { 0 } else { text.len() - text.trim_start().len() };
        self.out.hanging(mark.len() + begins + 2, format_args!("{mark}{text}"));
    }

    /// Somebody, and what became of them: `  jane → Added to cohort 42`.
    pub(super) fn user(&mut self, name: &str, sign: Sign, text: impl Display) {
        let name: String = name.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
        let drawn = self.out.drawn(sign).to_string();
        self.line(format_args!("    {name} {drawn} {text}"));
    }
}

/// A number of things: `1 member`, `2 members`.
pub(super) fn count(number: u64, thing: &str) -> String {
    let plural = match thing {
        "person" => "people".to_owned(),
        regular => format!("{regular}s"),
    };
    if number == 1 { format!("1 {thing}") } else { format!("{number} {plural}") }
}
