//! `rollbook completions-shell SHELL`: what makes the Tab key know Rollbook's commands.
//!
//! Next: [`crate::cli`], where the commands are listed.

use crate::cli::{Cli, Context, Exit};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a shell completion script
#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsShell {
    /// The shell
    shell: Shell,
}

impl CompletionsShell {
    pub(in crate::cli) fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "rollbook", &mut script);
        context.out.raw(&String::from_utf8_lossy(&script));
        Ok(Exit::Fine)
    }
}
