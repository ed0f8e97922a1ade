//! A mail address as one system wrote it, and the form in which two of them are compared.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A mail address, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mail(pub String);

impl Mail {
    /// Takes the address as it is.
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The address as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared: trimmed, lower case.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }

    /// Whether both are one address but for case and outer spaces.
    pub fn same_as(&self, other: &str) -> bool {
        self.0 == other || self.folded() == fold(other)
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn fold(address: &str) -> String {
    address.trim().to_lowercase()
}
