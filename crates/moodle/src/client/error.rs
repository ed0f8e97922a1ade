//! What can become of a call, named by what the caller may do next.
//!
//! It must never show a token, an address or a body: a remote's message travels as [`Words`], which logs cannot print.
//! Next: `answer.rs`, which decides between the variants.

use rollbook_remote::http::Fault;
use rollbook_remote::retry::Passing;
use rollbook_remote::words::Words;
use std::time::Duration;

/// Code given to a refusal without an `errorcode` (a PHP `Error` inside Moodle).
pub const CODE_NONE: &str = "error_without_code";
/// Code given to a refusal whose `errorcode` is a piece of HTML (the password policy).
pub const CODE_HTML: &str = "errorcode_is_html";
/// Code given when the body was too large for the web server or for PHP: smaller batches succeed.
pub const CODE_BODY_TOO_LARGE: &str = "body_too_large";

/// Code given when PHP dropped form variables (its `max_input_vars` is lower than the site's `input_vars`): nothing was done.
pub const CODE_VARIABLES_DROPPED: &str = "max_input_vars_exceeded";

/// Why a call to Moodle gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoodleError {
    /// Nothing left this machine. Try again whenever.
    #[error("Moodle was not reached: {why}")]
    NotSent {
        /// The network's reason, or the limit that the call would have broken.
        why: String,
    },
    /// A proxy asked for fewer calls (429). Nothing was done.
    #[error("Moodle's server asks for fewer calls")]
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The site says that it cannot serve now (maintenance, upgrade, no database) and did nothing. Try again later.
    #[error("Moodle cannot serve now: {code}")]
    Maintenance {
        /// Moodle's `errorcode`, or `http_503`.
        code: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The address is not the site's own: it redirects, or has no web services. Nothing was done. Mend the configuration.
    #[error("the configured address is not the Moodle's own (HTTP {status}, {})", location.as_deref().unwrap_or("no other named"))]
    Misaddressed {
        /// The status: a redirect or 404.
        status: u16,
        /// Where it points, without query.
        location: Option<String>,
    },
    /// The token, its account or its service may not do this at all, whatever the items. Nothing was done.
    #[error("Moodle does not admit {function}: {code}")]
    Denied {
        /// The function called.
        function: &'static str,
        /// Moodle's `errorcode`, or `http_403` (web services or REST switched off).
        code: String,
        /// Moodle's message.
        words: Words,
    },
    /// Moodle refused this call and rolled it back: some item of it is at fault, it does not say which.
    #[error("Moodle refused {function}: {code}")]
    Refused {
        /// The function called.
        function: &'static str,
        /// Moodle's `errorcode`, or one of the `CODE_…` constants. The only thing to match on.
        code: String,
        /// Moodle's message (in its own language; at debug level with the cause).
        words: Words,
    },
    /// The server failed (500, 502, 503, 504). A write may have been, or may yet be, carried out.
    #[error("Moodle's server failed: HTTP {status}, {excerpt}")]
    Unavailable {
        /// The status.
        status: u16,
        /// What its page says, bounded.
        excerpt: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request was sent and no whole answer came. A write may have been, or may yet be, carried out.
    #[error("what became of the call is not known: {why}")]
    Unknown {
        /// The network's reason, or Moodle's code.
        why: String,
    },
    /// An answer came that Moodle would not give. A write may have been carried out.
    #[error("not an answer of Moodle: {excerpt}")]
    Malformed {
        /// What came instead, bounded (see [`rollbook_remote::words::make_excerpt`]).
        excerpt: String,
    },
}

impl MoodleError {
    /// Whether any byte of the request may have arrived.
    pub fn was_sent(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }

    /// Whether a write may have had an effect: then re-read before anything else.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Maintenance { .. }
            | Self::Misaddressed { .. }
            | Self::Denied { .. }
            | Self::Refused { .. } => false,
            Self::Unavailable { .. } | Self::Unknown { .. } | Self::Malformed { .. } => true,
        }
    }

    /// Whether the call may succeed a little later (a write: after [`Self::may_have_acted`] was heeded).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Maintenance { .. }
            | Self::Unavailable { .. }
            | Self::Unknown { .. } => true,
            Self::Misaddressed { .. } | Self::Denied { .. } | Self::Refused { .. } | Self::Malformed { .. } => false,
        }
    }

    /// Whether a refusal may come from another writer at the same moment (unique key, deadlock): the same code also
    /// stands for a value that is too long, so re-read and try once more, not for ever.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some("dmlwriteexception")
    }

    /// Moodle's `errorcode`, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Maintenance { code, .. } | Self::Denied { code, .. } | Self::Refused { code, .. } => Some(code),
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Misaddressed { .. }
            | Self::Unavailable { .. }
            | Self::Unknown { .. }
            | Self::Malformed { .. } => None,
        }
    }

    /// Moodle's own words, for the journal.
    pub fn words(&self) -> Option<&Words> {
        match self {
            Self::Denied { words, .. } | Self::Refused { words, .. } => Some(words),
            _ => None,
        }
    }
}

impl From<Fault> for MoodleError {
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

impl Passing for MoodleError {
    /// Two readings at once of somebody whom Moodle has never shown before may refuse one of them: reading makes a row.
    fn is_transient(&self) -> bool {
        Self::is_transient(self) || self.is_conflict()
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::Maintenance { retry_after, .. }
            | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
