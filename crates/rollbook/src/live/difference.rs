//! Where a site and what Rollbook believes of it differ, and the few ways to look for that.
//!
//! A difference quotes ids, codes and made-up names only. Next: `bench.rs`.

use rollbook_core::report::with_causes;
use rollbook_moodle::client::MoodleError;
use std::error::Error;
use std::fmt::Debug;

/// What a case comes to.
pub type Checked<T = ()> = Result<T, Difference>;

/// What was seen that should not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The site answered something else.
    #[error("{what}: expected {expected}, seen {seen}")]
    Differs {
        /// What was looked at.
        what: String,
        /// What Rollbook believes.
        expected: String,
        /// What was seen.
        seen: String,
    },
    /// Something failed that should work.
    #[error("{doing} failed: {why}")]
    Failed {
        /// What was being done.
        doing: String,
        /// Why, the whole chain.
        why: String,
    },
}

/// Names what was being done when it failed.
pub(super) fn while_doing<E: Error>(doing: &str) -> impl FnOnce(E) -> Difference {
    move |error| Difference::Failed { doing: doing.to_owned(), why: with_causes(&error) }
}

/// Two values are the same.
pub(super) fn same<T: PartialEq + Debug>(what: &str, seen: &T, expected: &T) -> Checked {
    if seen == expected {
        return Ok(());
    }
    Err(differs(what, format!("{expected:?}"), format!("{seen:?}")))
}

/// Something is so.
pub(super) fn holds(what: &str, so: bool) -> Checked {
    if so { Ok(()) } else { Err(differs(what, "so".to_owned(), "not so".to_owned())) }
}

/// A call was refused with one of these codes; gives the code.
pub(super) fn refused<T>(what: &str, codes: &[&str], result: Result<T, MoodleError>) -> Checked<String> {
    match result {
        Err(error) => match error.code() {
            Some(code) if codes.contains(&code) => Ok(code.to_owned()),
            _ => Err(differs(what, format!("a refusal with {}", codes.join(" or ")), format!("{error}"))),
        },
        Ok(_) => Err(differs(what, format!("a refusal with {}", codes.join(" or ")), "success".to_owned())),
    }
}

pub(super) fn differs(what: &str, expected: String, seen: String) -> Difference {
    Difference::Differs { what: what.to_owned(), expected, seen }
}
