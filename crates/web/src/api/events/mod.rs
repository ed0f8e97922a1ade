//! Events that other systems push: signed, near in time, and each taken once. An event proves nothing; it wakes a check.
//!
//! Next: [`signature`], then `guard_state` for what all endpoints do alike, [`completion`] and [`membership`].

pub mod completion;
mod guard_state;
pub mod membership;
pub mod signature;
