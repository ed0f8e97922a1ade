//! Everything about Moodle: its web services, its database, and what they say as snapshots.

pub mod client;
pub mod psaelmsync;
pub mod snapshot;
