//! Commands that keep an installation well for years.
//!
//! Next: `backup` and `restore`, `prune`, and `self_check`, which looks at this installation alone; `doctor` looks at the sites.

mod backup;
mod prune;
mod restore;
mod self_check;

pub(super) use backup::Backup;
pub(super) use prune::Prune;
pub(super) use restore::Restore;
pub(super) use self_check::SelfCheck;
