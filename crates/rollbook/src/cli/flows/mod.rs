//! Commands that run a flow.
//!
//! Next: [`intake`].

mod completions;
mod intake;

pub(in crate::cli) use completions::CompletionsCommand;
pub(in crate::cli) use intake::{IntakeCommand, Shown, print_report};
