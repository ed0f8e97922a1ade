//! Stored words, numbers and answers as people read them.

use super::parts::{Badge, Tone};
use rollbook_core::run::{OutcomeCode, RunKind, RunState};
use rollbook_journal::RunRow;
use serde_json::Value;
use std::time::Duration;

/// A stored word as a label: `mail_mismatch` is `Mail mismatch`.
pub fn label_of(word: &str) -> String {
    capitalise(&lower_label(word))
}

/// A stored word within a sentence: `guid_changed` is `GUID changed`.
pub fn lower_label(word: &str) -> String {
    if word == OutcomeCode::NoManualInstance.as_str() {
        return "no manual enrolment".to_owned();
    }
    let parts = word.split('_').map(|part| if part == "guid" { "GUID" } else { part });
    parts.collect::<Vec<_>>().join(" ")
}

pub fn capitalise(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// An outcome code as a label.
pub fn code_label(code: OutcomeCode) -> String {
    label_of(code.as_str())
}

/// A flow as a label.
pub fn flow_label(flow: &str) -> String {
    label_of(flow)
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

/// The state of a run.
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

/// Why a run ended as it did. What a guard blocked runs all the same once a person has approved it.
pub fn run_reason(run: &RunRow) -> String {
    let word = if run.state == RunState::GuardRefused { "blocked" } else { "approved" };
    let parts = run.reason.split("; ").map(|part| match part.strip_prefix("blocked: ") {
        Some(found) => {
            let (check, rest) = found.split_once(' ').unwrap_or((found, ""));
            format!("{word}: {} {rest}", lower_label(check))
        }
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// The outcome of a record, in the tone of its standing.
pub fn outcome_badge(code: OutcomeCode, standing: &str, status: &str) -> Badge {
    let tone = match (standing, status) {
        ("attention", _) => Tone::Bad,
        ("transient" | "awaited", _) | (_, "Waiting") => Tone::Busy,
        (_, "Error") => Tone::Bad,
        (_, "Skipped") => Tone::Plain,
        (_, _) => Tone::Good,
    };
    Badge::new(tone, lower_label(code.as_str()))
}

/// `1 record`, `2 records`
pub fn pluralise(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", format_count(count))
}

/// What a system answered, in short: its message where its body has one, else the status alone. The whole answer is in the
/// export and in the API.
pub fn summarise_response(answer: &str) -> String {
    const CHARACTERS_MAX: usize = 240;
    let Some((head, body)) = answer.find('{').map(|at| answer.split_at(at)) else {
        return clipped(answer, CHARACTERS_MAX);
    };
    match serde_json::from_str::<Value>(body) {
        Ok(body) => {
            let message =
                [&body["error"]["message"], &body["message"], &body["title"]].into_iter().find_map(Value::as_str);
            let head = head.trim_end();
            message.map_or_else(|| head.to_owned(), |message| format!("{head}: {}", clipped(message, CHARACTERS_MAX)))
        }
        Err(_) => clipped(answer, CHARACTERS_MAX),
    }
}

fn clipped(text: &str, most: usize) -> String {
    let mut letters = text.chars();
    let begin: String = letters.by_ref().take(most).collect();
    if letters.next().is_none() { begin } else { format!("{begin}…") }
}

/// A remedy as a sentence of a page: a capital, and no back-quotes, which only a terminal's reader knows.
pub fn sentence(text: &str) -> String {
    let text = capitalise(&text.replace('`', ""));
    if text.is_empty() || text.ends_with(['.', '?', '!']) { text } else { text + "." }
}

/// `24 hours`, `1 hour 30 minutes`, `7 days`: the two largest units; nothing shorter than a second.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // A day is spoken of as hours; so are two, where they are no whole days.
    let days = if seconds > 86_400 && seconds.is_multiple_of(86_400) { seconds / 86_400 } else { 0 };
    let rest = seconds - days * 86_400;
    let parts = [(days, "day"), (rest / 3_600, "hour"), (rest / 60 % 60, "minute"), (rest % 60, "second")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| pluralise(count, unit));
    parts.take(2).collect::<Vec<_>>().join(" ")
}

/// `1 234 567`, with thin spaces
pub fn format_count(count: u64) -> String {
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
    fn labels_and_numbers_read_well() {
        assert_eq!(label_of("mail_mismatch"), "Mail mismatch");
        assert_eq!(
            (label_of("guid_changed"), lower_label("two_accounts")),
            ("GUID changed".into(), "two accounts".into())
        );
        assert_eq!(format_count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!([format_count(0), format_count(999), format_count(1_000)], ["0", "999", "1\u{202f}000"]);
        assert_eq!([pluralise(1, "record"), pluralise(0, "record")], ["1 record", "0 records"]);
        let text = |minutes: u64| format_duration(Duration::from_secs(minutes * 60));
        assert_eq!([text(1), text(90), text(24 * 60)], ["1 minute", "1 hour 30 minutes", "24 hours"]);
        assert_eq!([text(7 * 24 * 60), text(36 * 60)], ["7 days", "36 hours"]);
        assert_eq!(sentence("approve it with `rollbook plans approve 1`"), "Approve it with rollbook plans approve 1.");
    }

    #[test]
    fn answer_of_another_system_is_shown_by_its_message() {
        let refused = r#"refused: HTTP 422 {"error":{"code":"EnrolmentClosed","message":"Enrolment 7 is closed"}}"#;
        assert_eq!(summarise_response(refused), "refused: HTTP 422: Enrolment 7 is closed");
        assert_eq!(summarise_response(r#"accepted: HTTP 201 {"COMPLETION_ID":3,"GUID":"A1"}"#), "accepted: HTTP 201");
        assert_eq!(summarise_response("no answer within 30 s"), "no answer within 30 s");
        let cut_off = format!("refused: HTTP 500 {{\"a\":\"{}", "x".repeat(500));
        assert_eq!(summarise_response(&cut_off).chars().count(), 241);
    }
}
