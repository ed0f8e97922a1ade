//! `rollbook completions run`: looks for completions, and reports what is due.

use super::prepare;
use super::print::{Shown, print_report};
use crate::cli::flows::{parse_wait, refuse_paused, wait_for_link};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::SignedDuration;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_sync::flows::completions::{CompletionsRequest, Purpose, Reach, run_completions};

/// Find new completions now, and report them
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The link's name in the configuration
    link: String,

    /// Show what would be reported, with the exact request bodies; record and send nothing
    #[arg(long)]
    dry_run: bool,

    /// Read all completions, not only new ones
    #[arg(long)]
    full: bool,

    /// Wait so long for another run of the link to end, such as 10m; then the exit code is 6
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_wait)]
    wait: SignedDuration,
}

impl Run {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let (_, flow, journal) = prepare(context, &self.link).await?;
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Apply };
        let reach = if self.full { Reach::Full } else { Reach::Usual };
        if purpose == Purpose::Apply {
            refuse_paused(&journal, &flow.link, &flow.policy.zone).await?;
            wait_for_link(&journal, &flow.link, self.wait, &context.clock, &context.stop).await?;
        }
        let request = CompletionsRequest { purpose, reach, author: context.author() };
        let outcome = run_completions(&flow, &journal, &context.clock, &request, &context.stop).await;
        let report = outcome.into_diagnostic().wrap_err_with(|| format!("while running completions {}", self.link))?;
        let shown = Shown { link: &self.link, purpose, detailed: context.detailed(), zone: &flow.policy.zone };
        Ok(print_report(&report, &shown, &mut context.out))
    }
}
