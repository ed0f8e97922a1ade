//! The kinds of faults that a suite plays one after the other.

use super::Kind;

impl Kind {
    /// Every way in which a call to Moodle can fail, but silence and the loss of half a batch.
    pub const LOUD: [Self; 15] = [
        Self::RefuseConnection,
        Self::ResetBeforeEffect,
        Self::ResetAfterEffect,
        Self::ResetMidBody,
        Self::HttpBeforeEffect(500),
        Self::HttpAfterEffect(500),
        Self::HttpBeforeEffect(503),
        Self::HttpAfterEffect(504),
        Self::Html200,
        Self::TruncatedJson,
        Self::EmptyBody200,
        Self::ExceptionIn200 { errorcode: "dmlwriteexception" },
        Self::ExceptionAfterEffect { errorcode: "dmlwriteexception" },
        Self::ExceptionIn200 { errorcode: "sitemaintenance" },
        Self::ExceptionIn200 { errorcode: "accessexception" },
    ];
    /// Nobody answers.
    pub const SILENT: [Self; 2] = [Self::TimeoutBeforeEffect, Self::TimeoutAfterEffect];
}
