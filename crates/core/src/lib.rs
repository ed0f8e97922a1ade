//! What Rollbook decides: values in, values out.
//!
//! This crate plans, guards and explains. It must never do I/O, read a clock, wait, or draw a random number:
//! the same inputs give byte-identical plans. Start with [`model`], then follow the arrows of
//! `docs/ARCHITECTURE.md` to the right: snapshot, policy, matching, desired, plan, guard, run, report.

pub mod desired;
pub mod guard;
pub mod matching;
pub mod model;
pub mod notice;
pub mod plan;
pub mod policy;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod verdict;
pub mod window;
