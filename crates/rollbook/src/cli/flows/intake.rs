//! `rollbook intake run`: reads the feed, and makes Moodle agree.
//!
//! A dry run takes the same way as a real one up to the guards, and every line of it says that it is one.
//! Next: [`crate::pipeline::intake`].

use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use crate::pipeline::deliver::{MailDelivery, deliver_mails};
use crate::pipeline::intake::{Ask, IntakeReport, IntakeRequest, Purpose, run_intake};
use crate::pipeline::setup;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::guard::Level;
use rollbook_core::model::{Field, LinkName};
use rollbook_core::plan::IntakeChange;
use rollbook_core::run::{OutcomeCode, RunState, standing};
use rollbook_core::window::Window;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file of records may have so many bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// ELM records become Moodle accounts and enrolments
#[derive(Debug, Args)]
pub(in crate::cli) struct IntakeCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Run(Run),
}

/// Read the feed now and make Moodle agree
#[derive(Debug, Args)]
struct Run {
    /// The link, as the configuration names it
    link: String,

    /// Show what would be done; change nothing anywhere
    #[arg(long)]
    dry_run: bool,

    /// Records created after this moment, such as 2026-11-23T08:00-08:00
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,

    /// Records created before this moment
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<Timestamp>,

    /// Everything about the person with this mail address
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["since", "until", "file"])]
    email: Option<String>,

    /// Everything about the person with this GUID
    #[arg(long, value_name = "GUID", conflicts_with_all = ["since", "until", "file"])]
    guid: Option<String>,

    /// Records from a JSON file (an array, or an object with `value`) instead of the feed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until"])]
    file: Option<PathBuf>,
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
        let request = self.request()?;
        let journal = context.journal(&settings).await?;
        let outcome = run_intake(&flow, &journal, &context.clock, &request, &context.stop).await;
        let report = outcome.into_diagnostic().wrap_err_with(|| format!("while running intake {}", self.link))?;
        let mails = match (&settings.mail, request.purpose) {
            (Some(mail), Purpose::Apply) => {
                let client = setup::make_smtp(mail).into_diagnostic()?;
                let delivered = deliver_mails(&journal, &client, &context.clock, &context.stop).await;
                Some(delivered.into_diagnostic().wrap_err("while sending welcome mails")?)
            }
            _ => None,
        };
        let zone = &found.link.schedule.timezone;
        let shown = Shown { link: &self.link, purpose: request.purpose, zone, detailed: context.detailed() };
        Ok(print_report(&report, mails.as_ref(), &shown, &mut context.out))
    }

    fn request(&self) -> miette::Result<IntakeRequest> {
        let ask = match (&self.file, self.since) {
            (Some(file), _) => Ask::Rows(read_rows(file)?),
            (None, Some(since)) => Ask::Between(Window { since, until: self.until }),
            (None, None) if self.email.is_some() || self.guid.is_some() => {
                Ask::Person { mail: self.email.clone(), guid: self.guid.clone() }
            }
            (None, None) => Ask::New,
        };
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Apply };
        Ok(IntakeRequest { purpose, ask, author: "command line".to_owned() })
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
            help = "it must be an array of records, or an object with the array under \"value\"",
            "{} holds no records",
            path.display()
        )),
    }
}

/// How a report is shown.
pub(in crate::cli) struct Shown<'a> {
    /// The link.
    pub link: &'a str,
    /// Whether anything was changed.
    pub purpose: Purpose,
    /// The zone of the times.
    pub zone: &'a jiff::tz::TimeZone,
    /// Whether every change is listed.
    pub detailed: bool,
}

/// Prints a run for people and for programs, and says how it ended.
pub(in crate::cli) fn print_report(
    report: &IntakeReport,
    mails: Option<&MailDelivery>,
    shown: &Shown<'_>,
    out: &mut Output,
) -> Exit {
    let dry = shown.purpose == Purpose::DryRun;
    if dry {
        out.heading("DRY RUN MODE - No changes will be made");
    } else {
        out.heading(format_args!("Intake {}", shown.link));
    }
    print_reading(report, shown, out);
    print_plan(report, shown, out);
    print_findings(report, dry, out);
    print_counts(report, mails, dry, out);
    print_attention(report, dry, out);
    print_next(report, dry, out);
    out.json(&as_json(report, mails, shown));
    match report.state {
        RunState::Done => Exit::Fine,
        RunState::GuardRefused => Exit::Refused,
        RunState::Partly | RunState::Stopped => Exit::Partly,
        RunState::Running | RunState::Failed | RunState::Abandoned => Exit::Failed,
    }
}

/// What every line of a dry run begins with.
fn mark(dry: bool) -> &'static str {
    if dry { "dry run: " } else { "" }
}

fn print_reading(report: &IntakeReport, shown: &Shown<'_>, out: &mut Output) {
    let at = |time: Timestamp| time.to_zoned(shown.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let interval = report.window.map_or(String::new(), |window| {
        let until = window.until.map_or("now".to_owned(), at);
        format!(", created from {} to {until}", at(window.since))
    });
    let dry = mark(shown.purpose == Purpose::DryRun);
    out.sign(Sign::Done, format_args!("{dry}feed: {} records{interval}", report.counts.records));
    for gap in &report.gaps {
        out.sign(Sign::Warning, format_args!("{dry}the feed is incomplete: {gap}"));
    }
    if !report.gaps.is_empty() {
        out.sign(Sign::Note, format_args!("{dry}nobody is suspended on the word of an incomplete feed"));
    }
    if report.known > 0 {
        out.sign(Sign::Note, format_args!("{dry}{} of them were settled before", report.known));
    }
}

fn print_plan(report: &IntakeReport, shown: &Shown<'_>, out: &mut Output) {
    let (mut accounts, mut enrolments, mut suspensions) = (0, 0, 0);
    for change in &report.plan.changes {
        match change {
            IntakeChange::CreateAccount(_) => accounts += 1,
            IntakeChange::Enrol(_) => enrolments += 1,
            IntakeChange::Suspend(_) => suspensions += 1,
        }
    }
    let left = report.plan.skips.len();
    let dry = mark(shown.purpose == Purpose::DryRun);
    out.sign(
        Sign::Done,
        format_args!(
            "{dry}plan: {accounts} accounts, {enrolments} enrolments, {suspensions} suspensions; {left} left alone"
        ),
    );
    if shown.detailed {
        let prefix = if shown.purpose == Purpose::DryRun { "would " } else { "" };
        for change in &report.plan.changes {
            out.sign(Sign::Step, format_args!("{dry}{prefix}{change}"));
        }
        let records: BTreeMap<_, _> = report.records.iter().map(|record| (record.fingerprint, record)).collect();
        for skip in &report.plan.skips {
            let who = records
                .get(&skip.record)
                .map(|record| format!("{} in {}", record.get(Field::Guid), record.get(Field::Course)));
            out.sign(Sign::Note, format_args!("{dry}{}: {}", who.unwrap_or_default(), skip.verdict));
        }
    }
}

fn print_findings(report: &IntakeReport, dry: bool, out: &mut Output) {
    for finding in &report.findings {
        let sign = if finding.level == Level::Block { Sign::Failed } else { Sign::Warning };
        out.sign(sign, format_args!("{}guard {} ({}): {}", mark(dry), finding.check, finding.subject, finding.message));
    }
    if report.state == RunState::GuardRefused {
        let what = if dry {
            "dry run: a guard would refuse this plan"
        } else {
            "a guard refused the plan: nothing was changed in Moodle"
        };
        out.sign(Sign::Failed, what);
    }
}

fn print_counts(report: &IntakeReport, mails: Option<&MailDelivery>, dry: bool, out: &mut Output) {
    if dry {
        out.sign(Sign::Note, "DRY RUN: no changes were made");
        return;
    }
    let counts = &report.counts;
    let calls: u64 = report.calls.iter().map(|call| call.calls).sum();
    if report.state != RunState::GuardRefused {
        out.sign(
            Sign::Done,
            format_args!("applied in {:.1} s with {calls} calls to Moodle", seconds(report.duration_ms)),
        );
    }
    if let Some(mails) = mails {
        let sign = if mails.refused + mails.unknown + mails.waiting > 0 { Sign::Warning } else { Sign::Done };
        out.sign(sign, format_args!("welcome mails: {mails}"));
    }
    let mut table =
        Table::new(["accounts", "enrolled", "suspended", "skipped", "waiting", "errors"]).numbers(&[0, 1, 2, 3, 4, 5]);
    table.row([counts.accounts, counts.enrolled, counts.suspended, counts.skipped, counts.waiting, counts.errors]);
    out.line("");
    out.table(&table);
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
fn seconds(duration_ms: u64) -> f64 {
    duration_ms as f64 / 1000.0
}

fn print_attention(report: &IntakeReport, dry: bool, out: &mut Output) {
    let mut kinds = BTreeMap::<OutcomeCode, usize>::new();
    for verdict in &report.verdicts {
        let code = verdict.code();
        if standing(code) != rollbook_core::run::Standing::Settled {
            *kinds.entry(code).or_default() += 1;
        }
    }
    if kinds.is_empty() {
        return;
    }
    out.heading(if dry {
        "Dry run: what would be left for a later run or a human"
    } else {
        "What is left for a later run or a human"
    });
    let mut table = Table::new(["records", "kind", "stands as"]).numbers(&[0]);
    for (code, count) in kinds {
        table.row([count.to_string(), code.as_str().replace('_', " "), standing(code).as_str().to_owned()]);
    }
    out.table(&table);
}

fn print_next(report: &IntakeReport, dry: bool, out: &mut Output) {
    if let (Some(run), false) = (&report.run, dry) {
        out.line("");
        out.sign(Sign::Note, format_args!("more: rollbook runs {run}"));
        out.sign(Sign::Note, "or: rollbook attention, rollbook explain --person WHO --course ID");
    }
}

fn as_json(report: &IntakeReport, mails: Option<&MailDelivery>, shown: &Shown<'_>) -> Value {
    json!({
        "dry_run": shown.purpose == Purpose::DryRun,
        "link": shown.link,
        "run": report.run,
        "state": report.state,
        "since": report.window.map(|window| window.since),
        "until": report.window.and_then(|window| window.until),
        "gaps": report.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "counts": report.counts,
        "known": report.known,
        "plan": report.plan,
        "digest": report.plan.digest(),
        "findings": report.findings,
        "mails": mails,
        "calls": report.calls.iter().map(|call| json!({"function": call.function.name(), "calls": call.calls, "items": call.items, "total_ms": call.total_ms})).collect::<Vec<_>>(),
        "duration_ms": report.duration_ms,
    })
}
