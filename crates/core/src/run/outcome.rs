//! What became of one change that was sent, or not, to a remote system.

use serde::{Deserialize, Serialize};

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The remote system did it.
    Done,
    /// The remote system had it so already; no call was needed.
    AlreadySo,
    /// The remote system refused this one change; nothing was done.
    Refused {
        /// The remote's error code, never its prose.
        code: String,
    },
    /// It was sent and no usable answer came: it may or may not have happened.
    Unknown,
    /// It was not sent.
    NotTried {
        /// Why not.
        why: String,
    },
}

impl Outcome {
    /// Moodle's code where a course has no enabled manual enrolment instance.
    pub const NO_INSTANCE: &str = "wsnoinstance";
    /// Our own code of a suspension after which Moodle still calls the person active, by another enrolment method.
    pub const STILL_ACTIVE: &str = "still_active";
}
