//! Everything about the ELM: its feed of enrolment records and its interface for completions.

pub mod client;
pub mod feed;
