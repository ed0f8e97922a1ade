//! Events that other systems push: signed, near in time, and each taken once. An event proves nothing; it wakes a check.
//!
//! Next: [`signature`], then `gate` for what all endpoints do alike, [`completion`] and [`membership`].

pub mod completion;
mod gate;
pub mod membership;
pub mod signature;
