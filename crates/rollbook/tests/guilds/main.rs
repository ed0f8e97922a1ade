//! The guilds flow over the stand-ins: real HTTP, a real journal, every step of it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail where it stands, and is told of its servers by the environment"
)]

mod archive;
mod faults;
mod held;
mod left_roles;
mod pains;
mod readers;
mod scoped;
mod sync;
mod tables;
mod token;
mod world;
