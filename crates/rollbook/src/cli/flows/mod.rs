//! Commands that run a flow.
//!
//! Next: [`intake`].

mod completions;
mod intake;
mod intake_report;
mod paused;

pub(in crate::cli) use completions::{CompletionsCommand, tell_completions};
pub(in crate::cli) use intake::IntakeCommand;
pub(in crate::cli) use intake_report::{Shown, print_report};
pub(in crate::cli) use paused::{parse_wait, refuse_paused, wait_for_link};
