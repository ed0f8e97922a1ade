//! The flow of completions against the sandbox's Moodle and ELM, and against real databases.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod database;
mod delivery;
mod doctor;
mod faults;
mod manual;
mod polling;
mod pushed;
mod tables;
mod waiting;
mod world;
