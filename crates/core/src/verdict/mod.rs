//! What can become of a feed record: the code, the evidence, the reason in words, and how the record stands then.

mod catalogue;
mod code;
mod reason;
mod skip_reason;
mod unreported;

pub use catalogue::{Entry, Owner};
pub use code::{Disposition, OutcomeCode, Step, disposition, next_step, next_step_of};
pub use reason::{MailHolder, Verdict};
pub use skip_reason::{RemovalBlock, SkipReason};
pub use unreported::Unreported;
