//! Commands that run a flow.
//!
//! Next: [`intake`].

mod intake;

pub(in crate::cli) use intake::{IntakeCommand, Shown, print_report};
