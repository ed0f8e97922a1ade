//! Words of the journal as people read them.

use super::{Badge, Tone};
use crate::journal::RunRow;
use rollbook_core::run::{OutcomeCode, RunKind, RunState};

/// A stored word as a label: `mail_mismatch` is `Mail mismatch`.
pub fn word_label(word: &str) -> String {
    let words = word.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// An outcome code as a label.
pub fn code_label(code: OutcomeCode) -> String {
    word_label(code.as_str())
}

/// A flow as a label.
pub fn flow_label(flow: &str) -> String {
    word_label(flow)
}

/// What a run was asked to do, where it is worth saying.
pub fn kind_label(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Normal => "",
        RunKind::DryRun => "dry run",
        RunKind::Scoped => "scoped",
        RunKind::Import => "import",
    }
}

/// How a run stands.
pub fn run_badge(run: &RunRow) -> Badge {
    let (tone, label) = match run.state {
        RunState::Running => (Tone::Busy, "running"),
        RunState::Done => (Tone::Good, "done"),
        RunState::Partly => (Tone::Warn, "partly done"),
        RunState::GuardRefused => (Tone::Bad, "guard refused"),
        RunState::Failed => (Tone::Bad, "failed"),
        RunState::Stopped => (Tone::Warn, "stopped"),
        RunState::Abandoned => (Tone::Bad, "abandoned"),
    };
    Badge::new(tone, label)
}

/// How a record of the log stands: its outcome, in the tone of its standing.
pub fn standing_badge(code: OutcomeCode, standing: &str, status: &str) -> Badge {
    let tone = match (standing, status) {
        ("attention", _) | (_, "Error") => Tone::Bad,
        ("transient" | "awaited", _) | (_, "Waiting") => Tone::Busy,
        (_, "Skipped") => Tone::Plain,
        (_, _) => Tone::Good,
    };
    Badge::new(tone, code_label(code).to_lowercase())
}

/// `1 record`, `2 records`
pub fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(count))
}

/// `1 234 567`, with thin spaces
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_read_well() {
        assert_eq!(word_label("mail_mismatch"), "Mail mismatch");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!([grouped(0), grouped(999), grouped(1_000)], ["0", "999", "1\u{202f}000"]);
        assert_eq!([counted(1, "record"), counted(0, "record")], ["1 record", "0 records"]);
    }
}
