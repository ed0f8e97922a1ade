//! Everything about the community site: its JSON:API, its database, and what they say as a snapshot of guilds.

pub mod client;
pub mod snapshot;
