//! `rollbook plans`: plans that a guard refused, what they would do, and their approval.
//!
//! An approval is bound to the plan's digest, expires, and is used up by the one run that makes the same plan again.

use super::output::{Output, Sign, Table, shorten};
use super::reading::{format_moment, format_time, print_zone, zone_of};
use super::{Context, Exit};
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::guard::Level;
use rollbook_core::model::{FeedRecord, Field, Fingerprint, LinkName, counted};
use rollbook_core::plan::{EnrolKind, GuildPlan, IntakeChange, NewAccount};
use rollbook_journal::{Journal, PlanRow, PlanState};
use rollbook_settings::Settings;
use rollbook_settings::link::Link;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// So many plans are listed.
const LISTED_MAX: u32 = 50;
/// So many lines of a plan are shown without `-v`.
const LINES_MAX: usize = 40;
/// How long an approval holds for a link that sets nothing.
const APPROVAL: Duration = Duration::from_secs(24 * 3600);

/// Plans that need approval
#[derive(Debug, Args)]
pub(super) struct PlansCommand {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the plans that need approval (the default)
    List,
    Show(Show),
    /// Let a refused plan run once
    Approve(Review),
    /// Refuse a plan for good
    Reject(Review),
}

/// Show what a plan would do, and why it was refused
#[derive(Debug, Args)]
struct Show {
    /// The plan's number; without it, the plans that need approval are listed
    id: Option<i64>,
}

#[derive(Debug, Args)]
struct Review {
    /// The plan's number
    id: i64,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl PlansCommand {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            None | Some(Act::List | Act::Show(Show { id: None })) => list(context).await,
            Some(Act::Show(Show { id: Some(id) })) => show(id, context).await,
            Some(Act::Approve(review)) => review.approve(context).await,
            Some(Act::Reject(review)) => review.reject(context).await,
        }
    }
}

async fn list(context: &mut Context) -> miette::Result<Exit> {
    let settings = context.settings()?;
    let journal = context.journal(&settings).await?;
    let mut rows = Vec::new();
    for state in [PlanState::Blocked, PlanState::Approved] {
        let found = journal.plans().list(None, Some(state), None, LISTED_MAX).await;
        rows.extend(found.into_diagnostic().wrap_err("while reading the plans")?);
    }
    if rows.is_empty() {
        context.out.sign(Sign::Done, "no plan needs approval");
    } else {
        let zone = zone_of(&settings, None);
        let mut table = Table::new(["plan", "link", "state", "made", "why it was refused"])
            .numbers(&[0])
            .cut(&[(1, 8)])
            .fold(&[(4, 20)]);
        for row in &rows {
            let why = row.findings.iter().find(|finding| finding.level == Level::Block);
            let why = why.map(ToString::to_string).unwrap_or_default();
            let (state, made) = (row.state.as_str().to_owned(), format_time(row.made, &zone));
            table.row([row.id.to_string(), row.link.to_string(), state, made, why]);
        }
        context.out.table(&table);
        print_zone(&zone, &mut context.out);
        context.out.sign(Sign::Note, "what a plan would do: rollbook plans show NUMBER");
    }
    context.out.json(&json!({ "plans": rows.iter().map(as_json).collect::<Vec<_>>() }));
    Ok(Exit::Fine)
}

async fn show(id: i64, context: &mut Context) -> miette::Result<Exit> {
    let settings = context.settings()?;
    let journal = context.journal(&settings).await?;
    let row = journal.plans().find(id).await.into_diagnostic().wrap_err_with(|| format!("while reading plan {id}"))?;
    let zone = zone_of(&settings, Some(&row.link));
    let lines = describe_changes(&row, &journal, &zone).await?;
    print(&row, &lines, &zone, context.detailed(), &mut context.out);
    let mut answer = as_json(&row);
    answer["plan"] = serde_json::from_str(&row.body).unwrap_or(Value::Null);
    answer["changes"] = json!(lines);
    context.out.json(&answer);
    Ok(Exit::Fine)
}

fn print(row: &PlanRow, lines: &[String], zone: &TimeZone, detailed: bool, out: &mut Output) {
    out.heading(format_args!("Plan {} of {}: {}", row.id, row.link, row.state.as_str()));
    out.line(format_args!(
        "made {} by run {}, digest {}",
        format_moment(row.made, zone),
        row.run,
        &row.digest.0[..row.digest.0.len().min(16)]
    ));
    if let Some((by, at, why)) = &row.reviewed {
        let until = row.expires.map(|at| format!(", valid until {}", format_moment(at, zone))).unwrap_or_default();
        out.line(format_args!("{} by {by} on {}{until}: {why}", row.state.as_str(), format_moment(*at, zone)));
    }
    for finding in &row.findings {
        let sign = if finding.level == Level::Block { Sign::Failed } else { Sign::Warning };
        out.sign(sign, format_args!("guard {} ({}): {}", finding.check, finding.subject, finding.message));
    }
    out.heading(format_args!("What it would do: {}", counted(lines.len(), "change")));
    let shown = if detailed { lines.len() } else { lines.len().min(LINES_MAX) };
    for line in &lines[..shown] {
        let line = out.width().map_or_else(|| line.clone(), |width| shorten(line, 2 * width));
        out.sign(Sign::Step, line);
    }
    if shown < lines.len() {
        out.line(format_args!("  and {} more; -v shows all", lines.len() - shown));
    }
    if row.state == PlanState::Blocked {
        let id = row.id;
        out.line("");
        out.sign(Sign::Note, format_args!("to let it run once: rollbook plans approve {id} --reason WHY"));
        out.sign(Sign::Note, format_args!("to refuse it: rollbook plans reject {id} --reason WHY"));
    }
}

/// The plan's changes as sentences about people and courses, of whichever flow it is.
async fn describe_changes(row: &PlanRow, journal: &Journal, zone: &TimeZone) -> miette::Result<Vec<String>> {
    if let Ok(plan) = serde_json::from_str::<GuildPlan>(&row.body) {
        return Ok(plan.changes.iter().map(ToString::to_string).collect());
    }
    let changes = serde_json::from_str::<Value>(&row.body).unwrap_or_default()["changes"].take();
    let Ok(changes) = Vec::<IntakeChange>::deserialize(&changes) else {
        return Ok(changes.as_array().into_iter().flatten().map(ToString::to_string).collect());
    };
    let wanted: Vec<Fingerprint> = changes.iter().filter_map(IntakeChange::record).collect();
    let records = journal.records().find(&row.link, &wanted, zone).await.into_diagnostic()?;
    let records: BTreeMap<Fingerprint, FeedRecord> =
        records.into_iter().map(|waiting| (waiting.record.fingerprint, waiting.record)).collect();
    let about = |change: &IntakeChange| change.record().and_then(|record| records.get(&record));
    Ok(changes.iter().map(|change| describe_change(change, about(change))).collect())
}

/// One change in the words of an approver: who, by name and address, and in which course.
fn describe_change(change: &IntakeChange, record: Option<&FeedRecord>) -> String {
    let Some(record) = record else {
        return match change {
            IntakeChange::CreateAccount(account) => {
                let NewAccount { first_name, last_name, mail, username, .. } = account;
                format!("create an account for {first_name} {last_name} <{mail}>, user name {username}")
            }
            other => other.to_string(),
        };
    };
    let name = format!("{} {}", record.get(Field::FirstName), record.get(Field::LastName));
    let person = format!("{} <{}>", name.trim(), record.get(Field::Mail));
    let course = record.get(Field::Course);
    match change {
        IntakeChange::Enrol(enrol) => {
            let verb = if enrol.kind == EnrolKind::Reactivate { "re-activate" } else { "enrol" };
            let mail = if enrol.welcome { ", with a welcome mail" } else { "" };
            format!("{verb} {person} in course {course}{mail}")
        }
        IntakeChange::Suspend(_) => format!("suspend {person} in course {course}"),
        IntakeChange::CreateAccount(_) => change.to_string(),
    }
}

impl Review {
    async fn approve(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let journal = context.journal(&settings).await?;
        let by = self.by(context)?;
        let row = self.read(&journal).await?;
        let now = context.clock.now();
        let lasts = SignedDuration::try_from(lasts(&settings, &row.link)).unwrap_or(SignedDuration::MAX);
        let until = now.checked_add(lasts).into_diagnostic()?;
        let approved = journal.plans().approve(self.id, &by, &self.reason, until, now).await;
        approved.into_diagnostic().wrap_err_with(|| format!("while approving plan {}", self.id))?;
        let (id, link) = (self.id, &row.link);
        let zone = zone_of(&settings, Some(link));
        let valid = format_moment(until, &zone);
        context.out.sign(Sign::Done, format_args!("plan {id} is approved by {by} for one run, valid until {valid}"));
        let text = format!(
            "the approval applies to this exact plan: if the data changes before the next run of {link}, it is void"
        );
        context.out.sign(Sign::Note, text);
        context.out.json(&json!({ "plan": id, "link": link, "state": "approved", "by": by, "expires": until }));
        Ok(Exit::Fine)
    }

    async fn reject(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let journal = context.journal(&settings).await?;
        let by = self.by(context)?;
        let row = self.read(&journal).await?;
        let rejected = journal.plans().reject(self.id, &by, &self.reason, context.clock.now()).await;
        rejected.into_diagnostic().wrap_err_with(|| format!("while rejecting plan {}", self.id))?;
        context.out.sign(Sign::Done, format_args!("plan {} is rejected by {by}", self.id));
        context.out.json(&json!({ "plan": self.id, "link": row.link, "state": "rejected", "by": by }));
        Ok(Exit::Fine)
    }

    fn by(&self, context: &Context) -> miette::Result<String> {
        context.decider(self.by.as_ref())
    }

    async fn read(&self, journal: &Journal) -> miette::Result<PlanRow> {
        let row = journal.plans().find(self.id).await.into_diagnostic();
        row.wrap_err_with(|| {
            format!("while reading plan {}; `rollbook plans` lists the ones that need approval", self.id)
        })
    }
}

/// How long an approval holds.
fn lasts(settings: &Settings, link: &LinkName) -> Duration {
    settings.links.get(link).map_or(APPROVAL, Link::approval)
}

fn as_json(row: &PlanRow) -> Value {
    json!({
        "id": row.id, "link": row.link, "run": row.run, "digest": row.digest, "state": row.state.as_str(),
        "made": row.made, "findings": row.findings, "expires": row.expires, "used_by": row.used_by,
        "judged": row.reviewed.as_ref().map(|(by, at, why)| json!({"by": by, "at": at, "why": why})),
    })
}
