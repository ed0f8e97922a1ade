//! `rollbook live`: asks a real Moodle, and a real community, whether they are what Rollbook believes them to be.
//!
//! It needs no configuration. It makes courses and accounts under a prefix of its own and removes them again; on a site with
//! learners it is run with care, on a copy of it without. Next: [`crate::live`], the cases.

use super::live_community::CommunityArgs;
use crate::cli::output::{Output, Sign};
use crate::cli::{Context, Exit};
use crate::live::{Bench, CaseResult, Completer, LiveOptions, LiveReport, Verdict, cases, run_suite};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::RoleId;
use rollbook_remote::database::DatabaseOptions;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// The variables that hold what should not stand on a command line.
const TOKEN: &str = "ROLLBOOK_LIVE_TOKEN";
const FIXTURE_TOKEN: &str = "ROLLBOOK_LIVE_FIXTURE_TOKEN";
const WEAK_TOKEN: &str = "ROLLBOOK_LIVE_WEAK_TOKEN";
const DATABASE: &str = "ROLLBOOK_LIVE_DATABASE";

/// Test a real Moodle against what Rollbook relies on (creates and removes test data)
#[derive(Debug, Args)]
pub(in crate::cli) struct Live {
    /// The Moodle's own address
    #[arg(long, value_name = "URL")]
    moodle: String,

    /// The service account's token [default: $ROLLBOOK_LIVE_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// A token that may create and delete courses and accounts [default: $ROLLBOOK_LIVE_FIXTURE_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    fixture_token: Option<String>,

    /// A token without permissions [default: $ROLLBOOK_LIVE_WEAK_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    weak_token: Option<String>,

    /// The Moodle's database, read only [default: $ROLLBOOK_LIVE_DATABASE]
    #[arg(long, value_name = "URL")]
    database: Option<String>,

    /// The prefix of the database's tables
    #[arg(long, value_name = "PREFIX", default_value = "mdl_")]
    prefix: String,

    /// The id of the role in which people are enrolled
    #[arg(long, value_name = "ID", default_value_t = 5)]
    role: i64,

    /// An account that the service account must see: a GUID, a mail address or a user name
    #[arg(long, value_name = "WHO")]
    sentinel: Option<String>,

    /// The id of a role that guilds give in the whole site
    #[arg(long, value_name = "ID")]
    guild_role: Option<i64>,

    #[command(flatten)]
    community: CommunityArgs,
    /// A command on Moodle's server that lets somebody complete a course (assets/moodle/rollbook-complete.php --moodle=…)
    #[arg(long, value_name = "COMMAND")]
    complete: Option<String>,

    /// Run only cases with this text in their area or name
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Write the report, as Markdown, into this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Live {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let name = format!("rollbook-live-{}", context.clock.now().as_millisecond());
        let folder = context.env.temporary_folder().join(name);
        std::fs::create_dir(&folder).into_diagnostic().wrap_err("while making a folder for journals")?;
        let ran = self.ask(folder.clone(), context).await;
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(%error, "the suite's folder of journals could not be removed");
        }
        let report = ran?;
        if let Some(file) = &self.report {
            let doing = || format!("while writing {}", file.display());
            std::fs::write(file, report.as_markdown()).into_diagnostic().wrap_err_with(doing)?;
        }
        Ok(print(&report, &mut context.out))
    }

    async fn ask(&self, folder: PathBuf, context: &mut Context) -> miette::Result<LiveReport> {
        let secret = |given: &Option<String>, variable: &str| {
            given.clone().or_else(|| context.env.get(variable)).map(SecretString::from)
        };
        let token = secret(&self.token, TOKEN)
            .ok_or_else(|| miette!(help = "give --token, or set {TOKEN}", "the service account's token is missing"))?;
        let database = secret(&self.database, DATABASE).map(|url| DatabaseOptions {
            url,
            prefix: self.prefix.clone(),
            connections_max: 2,
            timeout: Duration::from_secs(30),
        });
        let options = LiveOptions {
            url: self.moodle.clone(),
            token,
            fixture_token: secret(&self.fixture_token, FIXTURE_TOKEN),
            weak_token: secret(&self.weak_token, WEAK_TOKEN),
            database,
            role: RoleId(self.role),
            sentinel: self.sentinel.clone(),
            guild_role: self.guild_role.map(RoleId),
            community: self.community.read(&context.env),
            completer: self.complete.as_deref().map(Completer::command),
            folder,
        };
        let bench =
            Bench::new(options, context.clock.clone()).into_diagnostic().wrap_err("while preparing the suite")?;
        let mut list = cases();
        if let Some(only) = &self.only {
            let only = only.replace(' ', "_");
            list.retain(|case| case.area.contains(&only) || case.name.contains(&only));
        }
        context.out.heading(format_args!("{} cases, under the prefix {}", list.len(), bench.prefix()));
        let Context { out, stop, .. } = context;
        Ok(run_suite(&bench, &list, stop, |result| tell(result, out)).await)
    }
}

fn tell(result: &CaseResult, out: &mut Output) {
    let CaseResult { area, verdict, notes, duration_ms, .. } = result;
    let rule = result.rule();
    match verdict {
        Verdict::Passed => out.sign(Sign::Done, format_args!("{area}: {rule} ({duration_ms} ms)")),
        Verdict::NotRun(why) => out.sign(Sign::Note, format_args!("{area}: {rule}: not run, {why}")),
        Verdict::Failed(differences) => {
            out.sign(Sign::Failed, format_args!("{area}: {rule}"));
            differences.iter().for_each(|difference| out.line(format_args!("    {difference}")));
        }
    }
    notes.iter().for_each(|note| out.line(format_args!("    {note}")));
}

fn print(report: &LiveReport, out: &mut Output) -> Exit {
    let (passed, failed, not_run) = report.counts();
    let sign = if failed == 0 { Sign::Done } else { Sign::Failed };
    out.line("");
    let release = &report.system.release;
    out.sign(sign, format_args!("Moodle {release}: {passed} passed, {failed} failed, {not_run} not run"));
    out.json(report);
    match (failed, passed) {
        (0, 1..) => Exit::Fine,
        _ => Exit::Failed,
    }
}
