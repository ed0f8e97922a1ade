//! What is the same in every world of a test.

use rollbook_journal::{Journal, OpenOptions};
use rollbook_remote::retry::RetryPolicy;
use std::path::Path;
use std::time::Duration;

/// Tries twice, and hardly waits in between.
pub const QUICK: RetryPolicy =
    RetryPolicy { tries_max: 2, delay: Duration::from_millis(1), wait_max: Duration::from_millis(5) };

/// The name of the journal that a [`crate::Config`] names.
pub const JOURNAL: &str = "rollbook.sqlite";

/// Opens the journal that a [`crate::Config`] in this folder names.
pub async fn open_journal(folder: &Path) -> Journal {
    let address = folder.join(JOURNAL).display().to_string();
    Journal::open(&address, &OpenOptions::default()).await.unwrap()
}
