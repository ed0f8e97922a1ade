//! `rollbook backup FILE`: a whole and consistent copy of the journal, made while it is in use.

use crate::cli::output::Sign;
use crate::cli::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::counted;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_settings::service::Place;
use serde_json::json;
use std::path::PathBuf;

/// Back up the journal while it is in use
#[derive(Debug, Args)]
pub(in crate::cli) struct Backup {
    /// The copy: a file that does not exist yet
    file: PathBuf,
}

impl Backup {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        if let Place::Postgres(_) = settings.journal.place {
            let help = "pg_dump --format=custom --file=rollbook.dump DATABASE";
            return Err(miette!(help = help, "a journal in PostgreSQL is copied with PostgreSQL's own tools"));
        }
        let journal = context.journal(&settings).await?;
        journal.back_up(&self.file).await.into_diagnostic().wrap_err("while copying the journal")?;
        let copy = Journal::open(&self.file.display().to_string(), &OpenOptions::default()).await;
        let copy = copy.into_diagnostic().wrap_err("while reading the copy")?;
        let checked = copy.maintenance().check().await.into_diagnostic().wrap_err("while reading the copy")?;
        copy.close().await;
        if let Some(damage) = checked.damage.first() {
            return Err(miette!(help = "restore an older backup", "the journal is damaged: {damage}"));
        }
        let bytes = std::fs::metadata(&self.file).map(|file| file.len()).unwrap_or_default();
        let (runs, file) = (checked.runs, self.file.display());
        context
            .out
            .sign(Sign::Done, format_args!("{file}: {bytes} bytes, {}, verified after writing", counted(runs, "run")));
        context.out.json(&json!({ "file": self.file, "bytes": bytes, "runs": runs, "schema": checked.version }));
        Ok(Exit::Fine)
    }
}
