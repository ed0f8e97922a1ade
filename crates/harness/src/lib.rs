//! What the tests of several crates need. Only a dev-dependency: the product does not know it.
//!
//! A test takes a world of the sandbox, a [`Config`] over it, a journal in a folder or in a schema of a real PostgreSQL
//! ([`databases`]), and a clock that it moves; where it needs a real process, [`Process`].

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod config;
pub mod databases;
mod process;

pub use config::Config;
pub use process::{Process, until};

use rollbook_journal::{Journal, OpenOptions};
use rollbook_remote::retry::RetryPolicy;
use std::path::Path;
use std::time::Duration;

/// Tries twice, and does not wait in between.
pub const QUICK: RetryPolicy =
    RetryPolicy { tries_max: 2, delay: Duration::from_millis(1), wait_max: Duration::from_millis(5) };

/// The name of the journal that a [`Config`] names.
pub const JOURNAL: &str = "rollbook.sqlite";

/// Opens the journal that a [`Config`] in this folder names.
pub async fn open_journal(folder: &Path) -> Journal {
    let address = folder.join(JOURNAL).display().to_string();
    Journal::open(&address, &OpenOptions::default()).await.unwrap()
}
