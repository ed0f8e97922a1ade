//! `rollbook guilds …` and `rollbook avc-moodle-sync`: a community's guilds become Moodle's cohorts.
//!
//! Next: `sync`, the command that changes something; `help`, what to do about each failure.

mod demo;
mod guilds_of_plan;
mod help;
mod left;
mod lines;
mod list;
mod status;
mod summary;
mod sync;

pub(in crate::cli) use demo::tell_demo;
pub(in crate::cli) use sync::Sync;

use crate::cli::{Context, Exit};
use clap::{Args, Subcommand};

/// Turn a community's guilds into Moodle cohorts
#[derive(Debug, Args)]
pub(in crate::cli) struct GuildsCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Sync(Sync),
    Status(status::Status),
    List(list::List),
}

impl GuildsCommand {
    /// Whether `-d` asked for every call in the log.
    pub(in crate::cli) fn debugs(&self) -> bool {
        matches!(&self.act, Act::Sync(sync) if sync.debugs())
    }

    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            Act::Sync(command) => command.run(context).await,
            Act::Status(command) => command.run(context).await,
            Act::List(command) => command.run(context).await,
        }
    }
}
