//! Reads one community: a Drupal with the Group module, over JSON:API. It writes nothing there.
//!
//! It must never read on when the community takes it for nobody (Drupal answers a wrong password with 200 and empty
//! lists, and counts each such request against the account), never take a list for whole that something was withheld
//! from, and never follow a link to another host. Next: `call.rs` (one request), `page.rs` (a list of many pages),
//! `read.rs` (groups, memberships, people).

mod auth;
mod call;
mod error;
mod page;
mod query;
mod read;
mod wire;

pub use auth::DrupalAuth;
pub use call::{DrupalClient, DrupalOptions};
pub use error::DrupalError;
pub use page::{IncompleteReason, Listing};
pub use read::{GroupModule, GroupProbe, GroupReader, Memberships, UserKey, UserWord, WhichMemberships};
pub use wire::{WireGroup, WireMember, WireMembership, WireUser};
