//! What people read: folds of what the journal knows into sentences. CLI, web, mail and JSON share them.
//!
//! It tells and never decides: what a run does follows from [`crate::plan`] alone.

mod explain;

use crate::run::{Counts, RunKind};
pub use explain::{
    Applied, Circumstances, Delivered, Explanation, Finished, Known, Moment, NowInMoodle, RecordStory, Reporting,
    advice, explain, explain_with,
};
use std::error::Error;

// The numbers of a run as lines for people.

/// The numbers of a run, one thought a line. Every line of a dry run says that it is one.
pub fn summarise(counts: &Counts, kind: RunKind) -> Vec<String> {
    let Counts { records, enrolled, suspended, errors, skipped, waiting, planned, accounts, mails, calls } = *counts;
    let mut lines = vec![if records == 0 { "no records".to_owned() } else { count(records, "record") }];
    let mut say = |number: u64, words: String| {
        if number > 0 {
            lines.push(words);
        }
    };
    let dry = kind == RunKind::DryRun;
    let done = |words: &str, intended: &str| if dry { intended.to_owned() } else { words.to_owned() };
    say(enrolled, format!("{} {}", number(enrolled), done("enrolled", "to be enrolled")));
    say(suspended, format!("{} {}", number(suspended), done("suspended", "to be suspended")));
    say(accounts, format!("{} {}", count(accounts, "account"), done("created", "to be created")));
    say(mails, format!("{} {}", count(mails, "welcome mail"), done("queued", "to be sent")));
    say(skipped, format!("{} left as {}", number(skipped), if skipped == 1 { "it is" } else { "they are" }));
    say(waiting, format!("{} waiting for another try", number(waiting)));
    say(planned, format!("{} dated ahead, waiting for their day", number(planned)));
    say(errors, format!("{} waiting for a person", number(errors)));
    say(calls, format!("{} to Moodle", count(calls, "call")));
    if dry { lines.iter().map(|line| format!("dry run: {line}")).collect() } else { lines }
}

/// A number and its noun: `1 record`, `1,000 records`.
fn count(of: u64, noun: &str) -> String {
    let plural = if of == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(of))
}

/// A number in groups of three.
fn number(of: u64) -> String {
    let digits = of.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

// An error as one line: what failed, and why, down to the last cause.

/// The error and its causes, outermost first. No error of ours repeats its source, so each word stands once.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod summary_tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_counted() {
        assert_eq!(
            [0, 1, 12, 123, 1_234, 1_000_000].map(number),
            ["0", "1", "12", "123", "1,234", "1,000,000"].map(str::to_owned)
        );
        assert_eq!(count(1, "call"), "1 call");
        assert_eq!(count(0, "call"), "0 calls");
    }
}

#[cfg(test)]
mod causes_tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the feed could not be read")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Inner;

    #[test]
    fn every_cause_is_told_once_and_the_outermost_first() {
        assert_eq!(with_causes(&Outer(Inner)), "the feed could not be read: connection refused");
        assert_eq!(with_causes(&Inner), "connection refused");
    }
}
