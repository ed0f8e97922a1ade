//! Stateful, strict stand-ins for the systems that Rollbook talks to, over one [`World`]: Moodle's REST web
//! services, the ELM's OData feed and completion endpoint, the community's JSON:API, and a mail server.
//!
//! They answer as the real ones do, their oddities included, and refuse what the real ones refuse. Every server
//! listens on loopback on a free port. [`Faults`] makes any of them fail on purpose; [`Calls`] says what was asked.
//! The crate knows nothing of Rollbook itself, so it cannot agree with it by accident.
//!
//! Next: `world.rs` for the state, `moodle/` for the largest of them, `faults/` for the ways to fail.

pub mod calls;
pub mod community;
pub mod demo;
pub mod elm;
pub mod faults;
pub mod mail;
pub mod moodle;
pub mod random;
mod server;
mod start;
pub mod world;

pub use calls::Calls;
pub use community::Community;
pub use elm::{Elm, FeedRow};
pub use faults::{At, Fault, Faults, Kind, Target, cut};
pub use mail::{Mail, Mailbox};
pub use moodle::Moodle;
pub use start::{Sandbox, Server};
pub use world::{Clock, World, WorldGuard};

/// Token of the Moodle service account with least rights (see [`moodle::Token`]).
pub const MOODLE_TOKEN: &str = "0f4c1d2e3b5a69788796a5b4c3d2e1f0";

/// Token of the Moodle site administrator: every function and every capability.
pub const MOODLE_ADMIN_TOKEN: &str = "a0b1c2d3e4f5061728394a5b6c7d8e9f";

/// Token that the feed and the completion endpoint want in `x-cdata-authtoken`.
pub const ELM_TOKEN: &str = "sandbox/elm+token==";

/// The community's service account, for Basic authentication.
pub const COMMUNITY_USER: &str = "rollbook";

/// Its password.
pub const COMMUNITY_PASSWORD: &str = "sandbox-only";

/// Its UUID, which `meta.links.me` shows.
pub const COMMUNITY_ACCOUNT_UUID: &str = "5e4b1ce0-0000-4000-8000-000000000002";

/// The OAuth consumer that acts as the service account.
pub const COMMUNITY_CLIENT_ID: &str = "rollbook-sandbox";

/// The consumer's secret.
pub const COMMUNITY_CLIENT_SECRET: &str = "sandbox-only-secret";
