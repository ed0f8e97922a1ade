//! Everything about the ELM: its feed of enrolment records and its interface for completions.

pub mod client;
pub mod dialect;
pub mod feed;
mod sample;

pub use sample::{Proposal, propose, propose_from_sample};
