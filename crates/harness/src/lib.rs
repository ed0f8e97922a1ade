//! What the tests of several crates need. Only a dev-dependency: the product does not know it.
//!
//! A test takes a world of the sandbox, a [`Config`] over it, a journal in a folder or in a schema of a real PostgreSQL
//! ([`databases`]), and a clock that it moves; where it needs a real process, [`Process`].

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[cfg(feature = "world")]
mod config;
pub mod databases;
#[cfg(feature = "world")]
mod process;
#[cfg(feature = "world")]
mod world;

#[cfg(feature = "world")]
pub use config::Config;
#[cfg(feature = "world")]
pub use process::{Process, until};
#[cfg(feature = "world")]
pub use world::{JOURNAL, QUICK, open_journal};
