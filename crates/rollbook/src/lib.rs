//! Rollbook keeps a Moodle site in step with the systems that own the truth about its people.
//!
//! Everything that reaches the world is here; what is decided, and why, is in `rollbook-core`.
//! `docs/ARCHITECTURE.md` has the map. Read [`config`] and [`clock`] first, then follow a flow through `pipeline`.

pub mod apply;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod journal;
pub mod live;
pub mod notify;
pub mod pipeline;
pub mod schedule;
pub mod sources;
pub mod web;
