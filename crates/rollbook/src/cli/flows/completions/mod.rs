//! `rollbook completions …`: what people finish in Moodle is reported to the ELM.
//!
//! Next: [`run`], then `send`, `again` and `list` for what people do by hand, `print` for how a run is shown.

mod again;
mod demo;
mod list;
mod mark;
mod print;
mod run;
mod send;

pub(in crate::cli) use demo::tell_completions;

use crate::cli::{Context, Exit};
use clap::{Args, Subcommand};
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use rollbook_sync::flows::completions::{CompletionsFlow, make_completions};

/// Report completions in Moodle to the ELM, each exactly once
#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Run(run::Run),
    Send(send::Send),
    Retry(again::Retry),
    Cancel(again::Cancel),
    List(list::List),
    Mark(mark::Mark),
}

impl CompletionsCommand {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            Act::Run(command) => command.run(context).await,
            Act::Send(command) => command.run(context).await,
            Act::Retry(command) => command.run(context).await,
            Act::Cancel(command) => command.run(context).await,
            Act::List(command) => command.run(context).await,
            Act::Mark(command) => command.run(context).await,
        }
    }
}

/// A link that is ready to run, and the journal.
async fn prepare(context: &mut Context, link: &str) -> miette::Result<(Settings, CompletionsFlow, Journal)> {
    let settings = context.settings()?;
    let found = settings.completion(&LinkName::new(link))?;
    let flow = make_completions(&found, &settings);
    let flow = flow.into_diagnostic().wrap_err_with(|| format!("while preparing {link}"))?;
    let journal = context.journal(&settings).await?;
    Ok((settings, flow, journal))
}
