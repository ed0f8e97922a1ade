//! Why a community could not be read, named by what the caller may do next.
//!
//! It must never show a password, a token or a person: see [`Words`]. Next: `call.rs`.

use rollbook_remote::http::Fault;
use rollbook_remote::retry::Passing;
use rollbook_remote::words::Words;
use std::time::Duration;

/// Why a community could not be read. Nothing may then be concluded from what is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrupalError {
    /// Nothing left this machine.
    #[error("the community was not reached: {why}")]
    NotSent {
        /// The network's reason.
        why: String,
    },
    /// The community asks for fewer requests (429).
    #[error("the community asks for fewer requests")]
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Maintenance mode (503 with a time, 5 to 10 s by Drupal's default).
    #[error("the community is in maintenance")]
    Maintenance {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The community's server failed (5xx).
    #[error("the community's server failed: HTTP {status}, {excerpt}")]
    Unavailable {
        /// The status.
        status: u16,
        /// What its page says, bounded.
        excerpt: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The community answers, and takes us for nobody: a wrong password, a blocked account, or the right password after
    /// five wrong ones within six hours. Asking again makes it worse.
    #[error(
        "the community takes the service account for nobody: its name, password or standing is wrong, or too many attempts failed"
    )]
    Anonymous,
    /// The account may not do this (401, 403), or the consumer's secret or scope is refused.
    #[error("the community does not admit the service account: HTTP {status}")]
    Denied {
        /// The status.
        status: u16,
        /// What it said.
        words: Words,
    },
    /// The address is not the community's own: a redirect, or no JSON:API there.
    #[error("the configured address is not the community's own (HTTP {status}, {})", location.as_deref().unwrap_or("no other named"))]
    Misaddressed {
        /// The status.
        status: u16,
        /// Where it points, without query.
        location: Option<String>,
    },
    /// The community has no such thing (404 in its own words).
    #[error("the community has no such resource")]
    NotFound,
    /// It has JSON:API, but not the Group module with memberships of this group type.
    #[error("the community has no memberships of the group type `{group_type}`")]
    NoGroupModule {
        /// The configured group type.
        group_type: String,
    },
    /// The community refused the question (another 4xx): a filter or field that it does not have.
    #[error("the community refused the question: HTTP {status}")]
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        words: Words,
    },
    /// Sent, and no whole answer came.
    #[error("the community's answer did not arrive: {why}")]
    Unknown {
        /// The network's reason.
        why: String,
    },
    /// An answer came that is not JSON:API.
    #[error("not an answer of the community: {excerpt}")]
    Malformed {
        /// What came instead, bounded.
        excerpt: String,
    },
}

impl DrupalError {
    /// Whether any byte of the request may have arrived.
    pub fn was_sent(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }

    /// Whether the same question may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Maintenance { .. }
            | Self::Unavailable { .. }
            | Self::Unknown { .. } => true,
            Self::Anonymous
            | Self::Denied { .. }
            | Self::Misaddressed { .. }
            | Self::NotFound
            | Self::NoGroupModule { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. } => false,
        }
    }
}

impl Passing for DrupalError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::Maintenance { retry_after }
            | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<Fault> for DrupalError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotSent(why) => Self::NotSent { why },
            Fault::Unknown(why) => Self::Unknown { why },
            Fault::TooLong { bytes_max } => {
                Self::Malformed { excerpt: format!("an answer of more than {bytes_max} bytes") }
            }
        }
    }
}
