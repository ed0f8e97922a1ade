//! Speaks to an ELM through its OData v4 feed (CData), and reports completions back to it.
//!
//! It must never read an error page, an error object or half a page as "no records", never send its token to another
//! host, and never decide what a record means. Next: `query.rs` (the question), `read.rs` (the pages), `write.rs`
//! (completions).

mod error;
mod options;
mod query;
mod read;
mod wire;
mod write;

pub use error::{CompletionError, FeedError};
pub use options::FeedOptions;
pub use query::{FeedFields, FeedQuery, LiteralStyle};
pub use read::{FeedClient, FeedPages, FeedRow, IncompleteReason};
pub use write::{CompletionClient, CompletionOptions, LookUpKey, Lookup, Receipt};
