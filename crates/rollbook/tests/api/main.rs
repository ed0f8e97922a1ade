//! The API as programs use it: who may do what, what is refused and how, page by page, and what a run leaves in the numbers.
//!
//! A test asks the router as a program would. What is asked of the process is carried out by the process's own worker,
//! against the sandbox. Next: [`stage`], then [`doors`].

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod acts;
mod document;
mod doors;
mod events;
mod metrics;
mod pages;
mod problems;
mod stage;
#[cfg(feature = "otlp")]
mod traces;
