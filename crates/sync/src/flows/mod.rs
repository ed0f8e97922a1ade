//! The only place where the steps meet: collect → plan → guard → record → apply → settle → report.
//!
//! A flow here reads like that line. It decides nothing itself: core plans and guards, apply sends, the journal remembers.

pub mod completions;
pub mod correct;
pub mod deliver;
pub mod doctor;
pub mod guilds;
pub mod import;
pub mod intake;
pub mod lease;
pub mod setup;
