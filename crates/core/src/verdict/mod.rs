//! What can become of a feed record: the code, the evidence, the reason in words, and how the record stands then.

mod code;
mod disposition;
mod reason;
mod skip_reason;
mod unreported;

pub use code::OutcomeCode;
pub use disposition::{Disposition, Step, next_step, standing};
pub use reason::{MailHolder, Verdict};
pub use skip_reason::{RemovalBlock, SkipReason};
pub use unreported::Unreported;
