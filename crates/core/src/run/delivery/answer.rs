//! What the ELM answers to a report and to a look-up, named by what it proves.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What came of sending one report once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The ELM has it.
    Accepted,
    /// Nothing left this machine.
    NotSent,
    /// The ELM asks for fewer requests, and took nothing.
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<SignedDuration>,
    },
    /// The ELM admits nobody here (401, 403, 404, a redirect): token or address are wrong, perhaps.
    Denied {
        /// The HTTP status.
        status: u16,
    },
    /// The ELM refused this very report.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// It was sent, and no answer came that says whether it was taken.
    Unknown {
        /// How long the ELM wants to be left alone.
        retry_after: Option<SignedDuration>,
    },
}

impl Answer {
    /// A denial amid acceptances is about this report, not about us: a wrong token or address would have stopped the
    /// others too. (A token can be withdrawn at any moment, so that 401 stays what it is; a redirect is never about one.)
    #[must_use]
    pub fn amid_acceptances(self) -> Self {
        match self {
            Self::Denied { status: status @ (403..=405) } => Self::Refused { status },
            other => other,
        }
    }

    /// A conflict after a try whose answer was lost is with that very try: it was accepted.
    #[must_use]
    pub fn after_doubt(self) -> Self {
        match self {
            Self::Refused { status: 409 } => Self::Accepted,
            other => other,
        }
    }

    /// Whether it says that the ELM is there, admits us and reads what it gets.
    pub fn is_sign_of_life(&self) -> bool {
        match self {
            Self::Accepted | Self::Refused { .. } => true,
            Self::NotSent | Self::RateLimited { .. } | Self::Denied { .. } | Self::Unknown { .. } => false,
        }
    }

    /// How long the ELM wants to be left alone.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unknown { retry_after } => *retry_after,
            Self::Accepted | Self::NotSent | Self::Denied { .. } | Self::Refused { .. } => None,
        }
    }
}

/// What came of asking the ELM whether it has a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookUp {
    /// It has it.
    Found,
    /// It does not.
    Nothing,
    /// The question was not answered.
    NoAnswer,
    /// There is no way to ask.
    Unsupported,
}
