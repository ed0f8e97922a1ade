//! `rollbook import psaelmsync`: takes the original plugin's history over.

use crate::cli::output::{Output, Sign};
use crate::cli::{Context, Exit};
use clap::{Args, Subcommand};
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{LinkName, counted, counted_as};
use rollbook_remote::database::{Database, DatabaseOptions};
use rollbook_settings::Settings;
use rollbook_sync::flows::import::{History, ImportReport, import_history};
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

/// Import history from another system
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Psaelmsync(Psaelmsync),
}

/// The log of the Moodle plugin local_psaelmsync; what it did is not done again
#[derive(Debug, Args)]
struct Psaelmsync {
    /// The log as CSV, with the table's column names in the first line
    #[arg(value_name = "FILE", required_unless_present = "database")]
    file: Option<PathBuf>,

    /// The variable that holds the address of Moodle's database, to read the table itself
    #[arg(long, value_name = "VARIABLE", conflicts_with = "file")]
    database: Option<String>,

    /// The prefix of Moodle's tables
    #[arg(long, default_value = "mdl_", requires = "database")]
    prefix: String,

    /// The intake link, where there are several
    #[arg(long)]
    link: Option<String>,
}

impl Import {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let From::Psaelmsync(command) = self.from;
        let settings = context.settings()?;
        let report = command.call(&settings, context).await?;
        Ok(print(&report, &mut context.out))
    }
}

impl Psaelmsync {
    async fn call(&self, settings: &Settings, context: &Context) -> miette::Result<ImportReport> {
        let link = self.link(settings)?;
        let found = settings.intake(&link)?;
        let zone = &found.elm.timezone;
        let journal = context.journal(settings).await?;
        let database = self.database.as_ref().map(|variable| self.open(variable, context)).transpose()?;
        let history = match (&database, &self.file) {
            (Some(database), _) => History::Table(database),
            (None, Some(path)) => {
                let file =
                    File::open(path).into_diagnostic().wrap_err_with(|| format!("while opening {}", path.display()))?;
                History::Csv(Box::new(BufReader::new(file)))
            }
            (None, None) => return Err(miette!("name a file, or a database with --database")),
        };
        let imported =
            import_history(&journal, &link, zone, history, &context.author(), &context.clock, &context.stop).await;
        imported.into_diagnostic().wrap_err("while importing the history")
    }

    fn open(&self, variable: &str, context: &Context) -> miette::Result<Database> {
        let url = context.env.get(variable).ok_or_else(|| miette!("the variable {variable} is empty"))?;
        let options = DatabaseOptions {
            url: url.into(),
            prefix: self.prefix.clone(),
            connections_max: 2,
            timeout: Duration::from_secs(120),
        };
        Database::new(&options).into_diagnostic().wrap_err("while opening Moodle's database")
    }

    fn link(&self, settings: &Settings) -> miette::Result<LinkName> {
        if let Some(name) = &self.link {
            return Ok(LinkName::new(name));
        }
        let mut links = settings.intakes();
        match (links.next(), links.next()) {
            (Some(found), None) => Ok(found.link.name.clone()),
            (None, _) => Err(miette!("the configuration has no intake link")),
            (Some(_), Some(_)) => {
                Err(miette!(help = "name one with --link", "the configuration has several intake links"))
            }
        }
    }
}

fn print(report: &ImportReport, out: &mut Output) -> Exit {
    let ImportReport { new, known, bad, bad_lines } = report;
    out.sign(
        Sign::Done,
        format_args!("{} imported, {} known already", counted(*new, "line"), counted_as(*known, "was", "were")),
    );
    for line in bad_lines {
        out.sign(Sign::Warning, format_args!("line {}: {}", line.number, line.why));
    }
    let told: Vec<_> = bad_lines.iter().map(|line| json!({ "line": line.number, "why": line.why })).collect();
    out.json(&json!({ "new": new, "known": known, "bad": bad, "bad_lines": told }));
    if *bad > 0 {
        out.sign(Sign::Failed, format_args!("{} could not be imported", counted(*bad, "line")));
        return Exit::Partly;
    }
    Exit::Fine
}
