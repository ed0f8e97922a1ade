//! Keeping a journal for years: its personal data leave in time, it is proven whole, and a backup takes its place.

mod check;
mod prune;
mod restore;

pub use check::Checked;
pub use prune::{PruneScope, Pruned};
pub use restore::{Access, Restored, restore};
