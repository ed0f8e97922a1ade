//! Builds the parameters of one call and counts them.
//!
//! It must never reorder what it was given: PHP reads variables from the front and drops those past its limit. So `suspend`
//! stands first in each enrolment, and `call.rs`, which is next, puts the token behind all of it.

use std::fmt::Display;

/// Variables that `call.rs` puts around these: function, format, raw texts; token.
pub(super) const FIXED_LEAVES: usize = 4;

/// The parameters of one call, in sending order.
#[derive(Default)]
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// A call without parameters.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// `key=value`
    pub(super) fn add(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.pairs.push((key.to_owned(), value.to_string()));
        self
    }

    /// `list[index]=value`
    pub(super) fn add_value(&mut self, list: &str, index: usize, value: impl Display) -> &mut Self {
        self.pairs.push((format!("{list}[{index}]"), value.to_string()));
        self
    }

    /// `list[index][key]=value`; `key` may be nested already, as in `cohorttype][type`.
    pub(super) fn add_field(&mut self, list: &str, index: usize, key: &str, value: impl Display) -> &mut Self {
        self.pairs.push((format!("{list}[{index}][{key}]"), value.to_string()));
        self
    }

    /// As [`Self::add_field`], left out when there is no value: Moodle refuses an empty text for a number.
    pub(super) fn add_optional(&mut self, list: &str, index: usize, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add_field(list, index, key, value);
        }
    }

    /// The parameters.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Variables that PHP will count, those of `call.rs` included.
    pub(super) fn leaves(&self) -> usize {
        self.pairs.len() + FIXED_LEAVES
    }
}

/// A flag as Moodle takes it: words such as `true` are refused.
pub(super) fn flag(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}
