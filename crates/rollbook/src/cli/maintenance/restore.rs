//! `rollbook restore FILE`: a backup takes the place of the journal, which is kept beside it.

use crate::cli::output::Sign;
use crate::cli::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::LinkName;
use rollbook_journal::{Restored, restore};
use rollbook_settings::service::Place;
use serde_json::json;
use std::path::PathBuf;

/// Replace the journal with a backup
#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    /// A file written by `rollbook backup`
    file: PathBuf,

    /// Confirm; without it nothing is done
    #[arg(long)]
    yes: bool,
}

impl Restore {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let Place::File(place) = &settings.journal.place else {
            let help = "stop Rollbook, then: pg_restore --clean --dbname=DATABASE rollbook.dump";
            return Err(miette!(help = help, "a journal in PostgreSQL is restored with PostgreSQL's own tools"));
        };
        if !self.yes {
            let help = "stop `rollbook serve`, then repeat with --yes; the current journal is kept beside the new one";
            return Err(miette!(help = help, "everything after the backup would be forgotten"));
        }
        let reporting: Vec<LinkName> = settings.completions().map(|found| found.link.name.clone()).collect();
        let by = context.author();
        let restored = restore(&self.file, place, &reporting, &by, context.clock.now()).await;
        let Restored { replaced, newest, paused, withdrawn, is_compared } =
            restored.into_diagnostic().wrap_err("while restoring; the current journal is unchanged")?;
        let out = &mut context.out;
        out.sign(Sign::Done, format_args!("{} is the journal now", self.file.display()));
        if let Some(newest) = newest {
            out.sign(Sign::Note, format_args!("it ends at {newest:.0}; intake continues from there"));
        }
        if let Some(aside) = &replaced {
            out.sign(Sign::Note, format_args!("previous journal: {}", aside.display()));
        }
        for link in &paused {
            out.sign(Sign::Warning, format_args!("link {link} is paused: completions may have been reported since"));
            out.line(format_args!(
                "  what was: rollbook completions mark {link} …; then: rollbook links resume {link}"
            ));
        }
        out.sign(Sign::Note, "all sessions and sign-in links have ended");
        for account in &withdrawn.accounts {
            let text = "was disabled or had a lower role since the backup, and is disabled again";
            out.sign(Sign::Warning, format_args!("account {account} {text}"));
            out.line(format_args!("  if it should have access: rollbook account enable {account}"));
        }
        for token in &withdrawn.tokens {
            out.sign(Sign::Warning, format_args!("token {token} was revoked since the backup, and is revoked again"));
        }
        if !is_compared {
            let text = "the previous journal could not be read: access that was withdrawn since the backup may be back";
            out.sign(Sign::Warning, text);
            out.line("  check: rollbook account list; rollbook token list");
        }
        out.json(&json!({
            "newest": newest, "replaced": replaced, "paused": paused, "compared": is_compared,
            "withdrawn": { "accounts": withdrawn.accounts, "tokens": withdrawn.tokens },
        }));
        Ok(Exit::Fine)
    }
}
