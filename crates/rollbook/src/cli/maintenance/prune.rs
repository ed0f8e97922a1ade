//! `rollbook prune`: names and addresses leave after their time; the numbers stay.

use crate::cli::output::{Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::SignedDuration;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::counted_as;
use rollbook_journal::{PruneScope, Pruned};
use rollbook_settings::duration;
use serde_json::json;
use std::time::Duration;

/// Shorter, and the look-back of a run could meet people who were just forgotten.
const KEPT_MIN: Duration = Duration::from_secs(30 * 86_400);

/// Remove old personal data, and keep the statistics
#[derive(Debug, Args)]
pub(in crate::cli) struct Prune {
    /// How old, such as 730d; at least 30d [default: personal_data_kept of the configuration]
    #[arg(long, value_name = "AGE", value_parser = duration)]
    older_than: Option<Duration>,

    /// Include people who are enrolled and have not finished: their completions will need attention
    #[arg(long)]
    also_enrolled: bool,

    /// Only show what would be removed
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let Some(age) = self.older_than.or(settings.journal.personal_data_kept) else {
            let help = "give --older-than 730d, or set personal_data_kept in [journal]";
            return Err(miette!(help = help, "no retention period is set for personal data"));
        };
        if age < KEPT_MIN {
            return Err(miette!("personal data are kept for 30d at least"));
        }
        let now = context.clock.now();
        let before = SignedDuration::try_from(age).ok().and_then(|age| now.checked_sub(age).ok());
        let before = before.ok_or_else(|| miette!("that is too long ago"))?;
        let scope = if self.also_enrolled { PruneScope::Everybody } else { PruneScope::Finished };
        let journal = context.journal(&settings).await?;
        let pruned = if self.dry_run {
            journal.maintenance().preview(before, scope).await
        } else {
            let by = context.author();
            journal.maintenance().prune(before, scope, &by, now).await
        };
        let pruned = pruned.into_diagnostic().wrap_err("while removing personal data")?;
        let Pruned { people, lines, events, papers } = pruned;
        let out = &mut context.out;
        let done = if self.dry_run { "would be removed" } else { "removed" };
        out.sign(
            Sign::Done,
            format_args!("personal data of before {before:.0}: {} {done}", counted_as(people, "person", "people")),
        );
        let mut table = Table::new(["people", "log rows", "events", "documents"]);
        table.row([people, lines, events, papers].map(|number| number.to_string()));
        out.table(&table);
        out.sign(Sign::Note, "documents: plans, requests, notices, closed episodes, resolved attention items");
        out.json(&json!({ "before": before, "dry_run": self.dry_run, "removed": pruned }));
        Ok(Exit::Fine)
    }
}
