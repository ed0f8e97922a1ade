//! The process that serves: when it runs what, what it answers, and what becomes of its work when it is killed.
//!
//! Where a test needs real processes it starts the binary against a real PostgreSQL (`ROLLBOOK_TEST_PG`; `./dev test` starts
//! one) and the sandbox; every wait is for something that is looked at, and has a bound.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod bounds;
mod completions;
mod due;
mod hook;
mod jobs;
mod nodes;
mod notices;
mod pages;
mod stop;
mod tick;
mod world;
