//! What can become of a feed record: the code, the evidence, the reason in words, and how the record stands then.

mod code;
mod left_alone;
mod reason;
mod standing;
mod unreported;

pub use code::OutcomeCode;
pub use left_alone::{Hold, LeftAlone};
pub use reason::{MailHolder, Verdict};
pub use standing::{Standing, Step, next_step, standing};
pub use unreported::Unreported;
