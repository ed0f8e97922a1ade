//! Events that other systems push: signed, near in time, and each taken once. An event proves nothing; it wakes a check.
//!
//! Next: [`signature`], then [`completion`].

pub mod completion;
pub mod signature;
