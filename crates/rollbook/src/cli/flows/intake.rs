//! `rollbook intake run`: reads the feed, and makes Moodle agree.
//!
//! A dry run takes the same way as a real one up to the guards, and every line of it says that it is one.
//! Next: [`rollbook_sync::flows::intake`].

use super::intake_report::{Shown, print_report};
use super::{parse_wait, refuse_paused, wait_for_link};
use crate::cli::arguments::{not_empty, read_interval};
use crate::cli::{Context, Exit};
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::LinkName;
use rollbook_core::window::Window;
use rollbook_sync::flows::deliver::deliver_mails;
use rollbook_sync::flows::intake::{IntakeQuery, IntakeRequest, Purpose, run_intake};
use rollbook_sync::flows::setup;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file of records may have so many bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Turn ELM records into Moodle accounts and enrolments
#[derive(Debug, Args)]
pub(in crate::cli) struct IntakeCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Run(Run),
}

/// Read the feed now and update Moodle
#[derive(Debug, Args)]
struct Run {
    /// The link's name in the configuration
    link: String,

    /// Show what would be done; change nothing
    #[arg(long)]
    dry_run: bool,

    /// Records created after this time: "2026-11-23 08:00" in the link's zone, 2026-11-23T08:00-08:00, or -2h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Records created before this time
    #[arg(long, value_name = "TIME", requires = "since", allow_hyphen_values = true)]
    until: Option<String>,

    /// Everything about the person with this mail address
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["since", "until", "file"])]
    email: Option<String>,

    /// Everything about the person with this GUID
    #[arg(long, value_name = "GUID", conflicts_with_all = ["since", "until", "file"])]
    guid: Option<String>,

    /// Records from a JSON file (an array, or an object with `value`) instead of the feed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until"])]
    file: Option<PathBuf>,

    /// Wait so long for another run of the link to end, such as 10m; then the exit code is 6
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_wait)]
    wait: SignedDuration,
}

impl IntakeCommand {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            Act::Run(run) => run.run(context).await,
        }
    }
}

impl Run {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let found = settings.intake(&LinkName::new(&self.link))?;
        let flow = setup::make_intake(&found, settings.mail.as_ref())
            .into_diagnostic()
            .wrap_err_with(|| format!("while preparing {}", self.link))?;
        let zone = &found.link.schedule.timezone;
        let request = self.request(zone, context)?;
        let journal = context.journal(&settings).await?;
        if request.purpose == Purpose::Apply {
            refuse_paused(&journal, &flow.link, zone).await?;
            wait_for_link(&journal, &flow.link, self.wait, &context.clock, &context.stop).await?;
        }
        let outcome = run_intake(&flow, &journal, &context.clock, &request, &context.stop).await;
        // What is due from earlier runs leaves, whatever became of this one.
        let mails = match (&settings.mail, request.purpose) {
            (Some(mail), Purpose::Apply) => {
                let client = setup::make_smtp(mail).into_diagnostic()?;
                Some(deliver_mails(&journal, &client, &context.clock, &context.stop).await)
            }
            _ => None,
        };
        let report = outcome.into_diagnostic().wrap_err_with(|| format!("while running intake {}", self.link))?;
        let mails = mails.transpose().into_diagnostic().wrap_err("the run is done; while sending welcome mails")?;
        let shown = Shown { link: &self.link, purpose: request.purpose, zone, detailed: context.detailed() };
        Ok(print_report(&report, mails.as_ref(), &shown, &mut context.out))
    }

    fn request(&self, zone: &TimeZone, context: &Context) -> miette::Result<IntakeRequest> {
        let (since, until) = read_interval(self.since.as_deref(), self.until.as_deref(), zone, context.clock.now())?;
        let mail = not_empty("--email", self.email.clone())?;
        let guid = not_empty("--guid", self.guid.clone())?;
        let author = context.author();
        let query = match (&self.file, since) {
            (Some(file), _) => IntakeQuery::Rows(read_rows(file)?),
            (None, Some(since)) => IntakeQuery::Between(Window { since, until }),
            (None, None) if mail.is_some() || guid.is_some() => IntakeQuery::Person { mail, guid },
            (None, None) => IntakeQuery::New,
        };
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Apply };
        Ok(IntakeRequest { purpose, query, author })
    }
}

fn read_rows(path: &Path) -> miette::Result<Vec<Value>> {
    let doing = || format!("while reading {}", path.display());
    let size = std::fs::metadata(path).into_diagnostic().wrap_err_with(doing)?.len();
    if size > FILE_BYTES_MAX {
        return Err(miette!("{} has more than {FILE_BYTES_MAX} bytes", path.display()));
    }
    let text = std::fs::read_to_string(path).into_diagnostic().wrap_err_with(doing)?;
    let value: Value = serde_json::from_str(&text).into_diagnostic().wrap_err_with(doing)?;
    let rows = match value {
        Value::Object(mut page) => page.remove("value").unwrap_or(Value::Null),
        other => other,
    };
    match rows {
        Value::Array(rows) => Ok(rows),
        _ => Err(miette!(
            help = "the file must hold an array of records, or an object with the array under \"value\"",
            "{} holds no records",
            path.display()
        )),
    }
}
