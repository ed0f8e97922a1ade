//! Events that other systems push: signed, recent, and each accepted once. An event proves nothing; it triggers a check.
//!
//! Reading order: [`signature`], `receiver` for what all endpoints share, [`completion`], [`membership`].

pub mod completion;
pub mod membership;
mod receiver;
pub mod signature;
