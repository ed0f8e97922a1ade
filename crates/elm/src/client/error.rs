//! What can go wrong with the feed and with the completion endpoint, named by what the caller may do next.
//!
//! It must never show the token, an address or a body: see [`Words`]. Next: `read.rs`, `write.rs`.

use rollbook_remote::http::{Answer, Fault};
use rollbook_remote::retry::Passing;
use rollbook_remote::words::{Words, make_excerpt};
use serde::Deserialize;
use std::time::Duration;

/// Why the feed could not be read. Nothing of it may then be used: a feed that failed is not an empty feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Nothing left this machine.
    #[error("the feed was not reached: {why}")]
    NotSent {
        /// The network's reason.
        why: String,
    },
    /// The feed asked for fewer requests (429).
    #[error("the feed asks for fewer requests")]
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The feed's server failed (5xx).
    #[error("the feed's server failed: HTTP {status}, {excerpt}")]
    Unavailable {
        /// The status.
        status: u16,
        /// What it said, bounded.
        excerpt: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The token is not accepted (401, 403).
    #[error("the feed does not accept the token: HTTP {status}")]
    Denied {
        /// The status.
        status: u16,
    },
    /// The address redirects or does not exist.
    #[error("the configured address is not the feed's own (HTTP {status}, {})", location.as_deref().unwrap_or("no other named"))]
    Misaddressed {
        /// A redirect, or 404.
        status: u16,
        /// Where it points, without query.
        location: Option<String>,
    },
    /// The feed refused the question (a field or literal that it does not know), perhaps inside a 200.
    #[error("the feed refused the question: HTTP {status}, {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The feed's own code, or `no code`.
        code: String,
        /// The feed's message.
        words: Words,
    },
    /// Sent, and no whole answer came.
    #[error("the feed's answer did not arrive: {why}")]
    Unknown {
        /// The network's reason.
        why: String,
    },
    /// The source was read, and its records as a whole cannot be used: another column names them, or the format changed.
    #[error("the feed's records cannot be used: {why}")]
    Unreadable {
        /// What is wrong with them.
        why: String,
    },
    /// An answer came that is not a page of a feed.
    #[error("not a page of the feed: {excerpt}")]
    Malformed {
        /// What came instead, bounded.
        excerpt: String,
    },
}

/// Why a completion was not, or perhaps not, taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompletionError {
    /// Nothing left this machine. Try again whenever.
    #[error("the ELM was not reached: {why}")]
    NotSent {
        /// The network's reason.
        why: String,
    },
    /// The ELM asked for fewer requests (429), and took nothing.
    #[error("the ELM asks for fewer requests")]
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The token or the address is wrong (401, 403, 404, a redirect): the record is not at fault.
    #[error("the ELM does not admit completions here: HTTP {status}")]
    Denied {
        /// The status.
        status: u16,
    },
    /// The ELM refused this record (another 4xx) and took nothing.
    #[error("the ELM refused the completion: HTTP {status}, {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The ELM's own code, or `no code`.
        code: String,
        /// The ELM's message.
        words: Words,
    },
    /// Sent, and it is not known whether it was taken (time-out, 5xx): look it up before sending again.
    #[error("whether the ELM took the completion is not known: {why}")]
    Unknown {
        /// The reason.
        why: String,
        /// How long the ELM wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// A lookup's answer cannot be read.
    #[error("not an answer of the ELM: {excerpt}")]
    Malformed {
        /// What came instead, bounded.
        excerpt: String,
    },
}

impl FeedError {
    /// Whether any byte of the request may have arrived.
    pub fn was_sent(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }

    /// Whether the same question may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Unknown { .. } => true,
            Self::Denied { .. }
            | Self::Misaddressed { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. }
            | Self::Malformed { .. } => false,
        }
    }
}

impl Passing for FeedError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<Fault> for FeedError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotSent(why) => Self::NotSent { why },
            Fault::Unknown(why) => Self::Unknown { why },
            Fault::TooLong { bytes_max } => {
                Self::Malformed { excerpt: format!("a page of more than {bytes_max} bytes") }
            }
        }
    }
}

impl CompletionError {
    /// Whether any byte of the request may have arrived.
    pub fn was_sent(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }

    /// Whether the ELM may have taken it: then look it up before sending again.
    pub fn may_have_acted(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Malformed { .. })
    }

    /// Whether sending may succeed a little later (after [`Self::may_have_acted`] was heeded).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::RateLimited { .. } | Self::Unknown { .. } => true,
            Self::Denied { .. } | Self::Refused { .. } | Self::Malformed { .. } => false,
        }
    }

    /// How long the ELM asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unknown { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<Fault> for CompletionError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotSent(why) => Self::NotSent { why },
            Fault::Unknown(why) => Self::Unknown { why, retry_after: None },
            Fault::TooLong { bytes_max } => {
                Self::Unknown { why: format!("an answer of more than {bytes_max} bytes"), retry_after: None }
            }
        }
    }
}

/// The OData v4 error object: `{"error":{"code","message"}}`.
#[derive(Deserialize)]
struct ErrorObject {
    error: ErrorWords,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorWords {
    Object {
        #[serde(default)]
        code: serde_json::Value,
        #[serde(default)]
        message: serde_json::Value,
    },
    Text(String),
}

/// The remote's code and message, of an error object or, failing that, an excerpt of whatever came.
pub(super) fn read_error(answer: &Answer) -> (String, Words) {
    find_error_object(&answer.body).unwrap_or_else(|| ("no code".to_owned(), Words::new(&make_excerpt(&answer.body))))
}

/// The code and message of an error object; `None` when the body is not one.
pub(crate) fn find_error_object(body: &[u8]) -> Option<(String, Words)> {
    let object: ErrorObject = serde_json::from_slice(body).ok()?;
    Some(match object.error {
        ErrorWords::Text(text) => ("no code".to_owned(), Words::new(&text)),
        ErrorWords::Object { code, message } => {
            let code = make_text(&code).unwrap_or_else(|| "no code".to_owned());
            let code = code.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(60).collect();
            // OData v3 wraps the message: {"lang","value"}.
            let text = make_text(&message).or_else(|| make_text(message.get("value")?)).unwrap_or_default();
            (code, Words::new(&text))
        }
    })
}

fn make_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
