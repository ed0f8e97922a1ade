//! `rollbook attention use-account` and `update-mail`: a person says who is meant, and Moodle's account is made to agree.
//!
//! Next: [`rollbook_sync::flows::correct`], which refuses what would make two of somebody.

use crate::cli::output::Sign;
use crate::cli::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{MoodleUserId, counted_as};
use rollbook_core::plan::CorrectionKind;
use rollbook_sync::flows::correct::{CorrectionRequest, correct_account};
use rollbook_sync::flows::setup::make_intake;
use serde_json::json;

/// This account is the person: write the feed's GUID into its ID number, and release the records
#[derive(Debug, Args)]
pub(super) struct UseAccount {
    /// The item's number, as listed
    item: i64,

    /// The Moodle account's id
    account: i64,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// The feed is right: write its mail address into the account of its GUID, and release the records
#[derive(Debug, Args)]
pub(super) struct UpdateMail {
    /// The item's number, as listed
    item: i64,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl UseAccount {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        correct(self.item, CorrectionKind::UseAccount(MoodleUserId(self.account)), self.by, context).await
    }
}

impl UpdateMail {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        correct(self.item, CorrectionKind::UpdateMail, self.by, context).await
    }
}

async fn correct(item: i64, ask: CorrectionKind, by: Option<String>, context: &mut Context) -> miette::Result<Exit> {
    let settings = context.settings()?;
    let author = context.decider(by.as_ref())?;
    let journal = context.journal(&settings).await?;
    let found = journal.attention().find(item).await.into_diagnostic().wrap_err("while reading the item")?;
    if found.closed.is_some() {
        return Err(miette!(
            help = "list the open items with: rollbook attention",
            "item {item} has already been resolved"
        ));
    }
    let link = settings.intake(&found.link)?;
    let flow = make_intake(&link, settings.mail.as_ref()).into_diagnostic()?;
    let request = CorrectionRequest { item, ask, author };
    let corrected = correct_account(&flow, &journal, &context.clock, &request, &context.stop).await;
    let corrected = match corrected {
        Ok(corrected) => corrected,
        Err(error) => {
            let help = error.remedy();
            let report = Err::<(), _>(error).into_diagnostic().wrap_err(format!("while resolving item {item}"));
            let report = report.err().map_or_else(String::new, |report| format!("{report:#}"));
            return Err(miette!(help = help, "{report}"));
        }
    };
    let changed = if corrected.changed.is_empty() { "nothing had to be changed" } else { &corrected.changed };
    context.out.sign(Sign::Done, changed);
    context.out.sign(
        Sign::Done,
        format_args!("{} tried again by the next run", counted_as(corrected.records.len(), "record is", "records are")),
    );
    context.out.json(&json!({
        "item": item, "changed": corrected.changed, "records": corrected.records.len(), "run": corrected.run,
    }));
    Ok(Exit::Fine)
}
