//! Commands with which one sets Rollbook up.
//!
//! Next: [`init`].

mod completions_shell;
mod init;

pub(super) use completions_shell::CompletionsShell;
pub(super) use init::Init;
