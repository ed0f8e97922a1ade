//! An error as one line: what failed, and why, down to the last cause.

use std::error::Error;

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
mod tests {
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
