//! What can become of a mail, named by what the caller may do next.
//!
//! It must never show an address or a text: see [`Words`]. Next: `session.rs`.

use rollbook_remote::words::Words;

/// Why a mail was not, or perhaps not, taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    /// The mail itself cannot be sent (an unusable address, a line break in a header). Nothing was sent. Mend the mail.
    #[error("the mail cannot be sent: {why}")]
    Invalid {
        /// What is wrong, without the value.
        why: &'static str,
    },
    /// The connection failed before the mail's content went out. Try again.
    #[error("the mail server was not reached: {why}")]
    NotSent {
        /// The network's reason.
        why: String,
    },
    /// The server does not admit us (greeting, TLS, password), whatever the mail. Mend the configuration.
    #[error("the mail server does not admit us: {code}")]
    Denied {
        /// The reply code, 500 to 599.
        code: u16,
        /// The server's words.
        words: Words,
    },
    /// The server refused this mail for good (5xx). Do not send it again.
    #[error("the mail server refused the mail: {code}")]
    Refused {
        /// The reply code, 500 to 599.
        code: u16,
        /// The server's words.
        words: Words,
    },
    /// The server did not take the mail now (4xx). Try again later.
    #[error("the mail server deferred the mail: {code}")]
    Deferred {
        /// The reply code, 400 to 499.
        code: u16,
        /// The server's words.
        words: Words,
    },
    /// The content was sent and no reply came: it may have been delivered. A repeat with the same Message-ID is dropped
    /// by most mailboxes, not by all.
    #[error("what became of the mail is not known: {why}")]
    Unknown {
        /// The network's reason.
        why: String,
    },
}

impl SmtpError {
    /// Whether the mail may have been delivered.
    pub fn may_have_acted(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether sending may succeed later (after [`Self::may_have_acted`] was heeded).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::Deferred { .. } | Self::Unknown { .. } => true,
            Self::Invalid { .. } | Self::Denied { .. } | Self::Refused { .. } => false,
        }
    }
}
