//! Speaks to an ELM: reads its feed, whatever its dialect, and reports completions back to it.
//!
//! It must never read an error page, an error object or half a page as "no records", never send its token to another
//! host, and never decide what a record means. Next: `question.rs` (what is asked), `read.rs` (the pages), `write.rs`
//! (completions).

mod auth;
mod error;
mod options;
mod question;
mod read;
mod receipt;
mod write;

pub use auth::FeedAuth;
pub(crate) use error::find_error_object;
pub use error::{CompletionError, FeedError};
pub use options::FeedOptions;
pub use question::{FeedFields, FeedQuery, Question};
pub use read::{FeedClient, FeedPages, IncompleteReason};
pub use write::{CompletionClient, CompletionOptions, LookUpKey, Lookup, Receipt};

pub use crate::dialect::FeedRow;
