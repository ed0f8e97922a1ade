//! Intake, whole, under faults: the real clients against the sandbox, a journal in a file, a clock that is moved by hand.
//!
//! Every world that met a fault must end as one that met none. Reading order: `stage` (what is played, and how two worlds
//! are compared), `faults` (every write × every fault, and process death), `rules` (bad input, guards, the pains of others),
//! `command` (the binary).

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod command;
mod faults;
mod rules;
mod stage;
