//! What can become of a feed record: the code, the evidence, the reason in words, and how the record stands then.

mod code;
mod reason;
mod skip_reason;
mod unreported;

pub use code::{Disposition, OutcomeCode, Step, disposition, next_step};
pub use reason::{MailHolder, Verdict};
pub use skip_reason::{RemovalBlock, SkipReason};
pub use unreported::Unreported;
