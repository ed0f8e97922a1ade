//! `rollbook completions retry` and `cancel`: what a person decides about reports.

use super::prepare;
use super::print::{Shown, print_report, some};
use crate::cli::flows::refuse_paused;
use crate::cli::output::Sign;
use crate::cli::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::LinkName;
use rollbook_journal::CompletionQuery;
use rollbook_sync::flows::completions::{CompletionsRequest, Purpose, Reach, run_completions};
use serde_json::json;

/// The most rows to show reports are retried by one command.
const REPORTS_MAX: u64 = 10_000;

/// Send refused reports again, and waiting ones now
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The link's name in the configuration
    link: String,

    /// Report numbers, as shown by `completions list` [default: every refused one]
    reports: Vec<i64>,

    /// Show which reports; send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Cancel reports: they are no longer sent
#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The link's name in the configuration
    link: String,

    /// Report numbers, as shown by `completions list`
    #[arg(required = true)]
    reports: Vec<i64>,
}

impl Retry {
    pub(super) async fn run(mut self, context: &mut Context) -> miette::Result<Exit> {
        let (_, flow, journal) = prepare(context, &self.link).await?;
        if self.reports.is_empty() {
            let query =
                CompletionQuery { standing: Some("refused".to_owned()), limit: REPORTS_MAX, ..Default::default() };
            let refused = journal.completions().list(&flow.link, &query).await.into_diagnostic()?;
            self.reports = refused.into_iter().filter_map(|row| row.report.map(|report| report.id)).collect();
        }
        if self.dry_run || self.reports.is_empty() {
            context
                .out
                .sign(Sign::Note, format_args!("would send again: {}", some(self.reports.len() as u64, "report")));
            context.out.json(&json!({"dry_run": self.dry_run, "reports": self.reports}));
            return Ok(Exit::Fine);
        }
        refuse_paused(&journal, &flow.link, &flow.policy.zone).await?;
        let released =
            journal.completions().resend(&flow.link, &self.reports, &context.author(), context.clock.now()).await;
        let released = released.into_diagnostic().wrap_err("while releasing the reports")?;
        if released == 0 {
            return Err(miette!(help = "see rollbook completions list", "none of these reports can be sent again"));
        }
        context.out.sign(Sign::Done, format_args!("due again: {}", some(released, "report")));
        let request = CompletionsRequest { purpose: Purpose::Apply, reach: Reach::Pushed, author: context.author() };
        let outcome = run_completions(&flow, &journal, &context.clock, &request, &context.stop).await;
        let report = outcome.into_diagnostic().wrap_err("while sending the reports")?;
        let (purpose, detailed) = (Purpose::Apply, context.detailed());
        let shown = Shown { link: &self.link, purpose, detailed, zone: &flow.policy.zone };
        Ok(print_report(&report, &shown, &mut context.out))
    }
}

impl Cancel {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let link = settings.completion(&LinkName::new(&self.link))?.link.name.clone();
        let journal = context.journal(&settings).await?;
        let cancelled =
            journal.completions().cancel_reports(&link, &self.reports, &context.author(), context.clock.now()).await;
        let cancelled = cancelled.into_diagnostic().wrap_err("while cancelling the reports")?;
        context.out.sign(Sign::Done, format_args!("cancelled: {}", some(cancelled, "report")));
        context.out.json(&json!({"cancelled": cancelled}));
        Ok(if cancelled == self.reports.len() as u64 { Exit::Fine } else { Exit::Partly })
    }
}
