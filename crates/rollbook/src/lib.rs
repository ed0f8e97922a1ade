//! The binary's crate: the command line, the live suite, and what only they need.
//!
//! `docs/ARCHITECTURE.md` has the map of all crates.

pub mod cli;
pub mod issuer;
pub mod live;
#[cfg(feature = "otlp")]
pub mod otlp;
