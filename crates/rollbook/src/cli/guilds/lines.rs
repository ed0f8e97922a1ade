//! The lines of a synchronisation. In a dry run every one of them says that it is one.

use crate::cli::output::{Output, Sign};
use crate::pipeline::guilds::Purpose;
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
        let mark = self.mark();
        self.out.sign(sign, format_args!("{mark}{text}"));
    }

    /// A plain line.
    pub(super) fn line(&mut self, text: impl Display) {
        let mark = self.mark();
        self.out.line(format_args!("{mark}{text}"));
    }

    /// Somebody, and what became of them: `  jane → Added to cohort 42`.
    pub(super) fn user(&mut self, name: &str, sign: Sign, text: impl Display) {
        let name: String = name.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
        let drawn = self.out.drawn(sign).to_string();
        self.line(format_args!("    {name} {drawn} {text}"));
    }
}
