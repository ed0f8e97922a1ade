//! `rollbook plans`: plans that a guard refused, what they would do, and a person's word on them.
//!
//! An approval is bound to the plan's digest, ends by itself, and is used up by the one run that makes the same plan again.

use super::output::{Output, Sign, Table};
use super::{Context, Exit};
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::guard::Level;
use rollbook_core::model::{LinkName, counted};
use rollbook_core::plan::GuildPlan;
use rollbook_journal::{PlanRow, PlanState};
use rollbook_settings::Settings;
use rollbook_settings::link::Link;
use serde_json::{Value, json};
use std::time::Duration;

/// So many plans are listed.
const LISTED_MAX: u32 = 50;
/// So many lines of a plan are shown without `-v`.
const LINES_MAX: usize = 40;
/// How long an approval holds for a link that sets nothing.
const APPROVAL: Duration = Duration::from_secs(24 * 3600);

/// Plans that wait for a person's word
#[derive(Debug, Args)]
pub(super) struct PlansCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Show(Show),
    Approve(Judge),
    Reject(Judge),
}

/// Show a plan, or all that wait
#[derive(Debug, Args)]
struct Show {
    /// The plan's number; without it, the plans that wait are listed
    id: Option<i64>,
}

/// Let a refused plan run once, or not at all
#[derive(Debug, Args)]
struct Judge {
    /// The plan's number
    id: i64,

    /// Who decides [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl PlansCommand {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            Act::Show(Show { id: None }) => list(context).await,
            Act::Show(Show { id: Some(id) }) => show(id, context).await,
            Act::Approve(judge) => judge.approve(context).await,
            Act::Reject(judge) => judge.reject(context).await,
        }
    }
}

async fn list(context: &mut Context) -> miette::Result<Exit> {
    let settings = context.settings()?;
    let journal = context.journal(&settings).await?;
    let mut rows = Vec::new();
    for state in [PlanState::Blocked, PlanState::Approved] {
        let found = journal.plans(None, Some(state), None, LISTED_MAX).await;
        rows.extend(found.into_diagnostic().wrap_err("while reading the plans")?);
    }
    if rows.is_empty() {
        context.out.sign(Sign::Done, "no plan waits");
    } else {
        let mut table = Table::new(["plan", "link", "state", "made", "why it was refused"]).numbers(&[0]);
        for row in &rows {
            let why = row.findings.iter().find(|finding| finding.level == Level::Block);
            let why = why.map(ToString::to_string).unwrap_or_default();
            let (state, made) = (row.state.as_str().to_owned(), format!("{:.0}", row.made));
            table.row([row.id.to_string(), row.link.to_string(), state, made, why]);
        }
        context.out.table(&table);
    }
    context.out.json(&json!({ "plans": rows.iter().map(as_json).collect::<Vec<_>>() }));
    Ok(Exit::Fine)
}

async fn show(id: i64, context: &mut Context) -> miette::Result<Exit> {
    let settings = context.settings()?;
    let journal = context.journal(&settings).await?;
    let row = journal.plan(id).await.into_diagnostic().wrap_err_with(|| format!("while reading plan {id}"))?;
    let detailed = context.detailed();
    tell(&row, detailed, &mut context.out);
    let mut answer = as_json(&row);
    answer["plan"] = serde_json::from_str(&row.body).unwrap_or(Value::Null);
    context.out.json(&answer);
    Ok(Exit::Fine)
}

fn tell(row: &PlanRow, detailed: bool, out: &mut Output) {
    out.heading(format_args!("Plan {} of {}: {}", row.id, row.link, row.state.as_str()));
    out.line(format_args!(
        "made {:.0} by run {}, digest {}",
        row.made,
        row.run,
        &row.digest.0[..row.digest.0.len().min(16)]
    ));
    if let Some((by, at, why)) = &row.judged {
        let until = row.expires.map(|at| format!(", until {at:.0}")).unwrap_or_default();
        out.line(format_args!("{} by {by} at {at:.0}{until}: {why}", row.state.as_str()));
    }
    for finding in &row.findings {
        let sign = if finding.level == Level::Block { Sign::Failed } else { Sign::Warning };
        out.sign(sign, format_args!("guard {} ({}): {}", finding.check, finding.subject, finding.message));
    }
    let changes = changes(row);
    out.heading(format_args!("What it would do: {}", counted(changes.len(), "change")));
    let shown = if detailed { changes.len() } else { changes.len().min(LINES_MAX) };
    for change in &changes[..shown] {
        out.sign(Sign::Step, change);
    }
    if shown < changes.len() {
        out.line(format_args!("  and {} more; -v shows them all", changes.len() - shown));
    }
    if row.state == PlanState::Blocked {
        let id = row.id;
        out.line("");
        out.sign(Sign::Note, format_args!("let it run once: rollbook plans approve {id} --reason WHY"));
        out.sign(Sign::Note, format_args!("never: rollbook plans reject {id} --reason WHY"));
    }
}

/// The plan's lines, of whichever flow it is.
fn changes(row: &PlanRow) -> Vec<String> {
    if let Ok(plan) = serde_json::from_str::<GuildPlan>(&row.body) {
        return plan.changes.iter().map(ToString::to_string).collect();
    }
    match serde_json::from_str::<Value>(&row.body) {
        Ok(plan) => plan["changes"].as_array().into_iter().flatten().map(ToString::to_string).collect(),
        Err(_) => Vec::new(),
    }
}

impl Judge {
    async fn approve(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let journal = context.journal(&settings).await?;
        let by = self.by(context)?;
        let row = self.read(&journal).await?;
        let now = context.clock.now();
        let lasts = SignedDuration::try_from(lasts(&settings, &row.link)).unwrap_or(SignedDuration::MAX);
        let until = now.checked_add(lasts).into_diagnostic()?;
        let approved = journal.approve_plan(self.id, &by, &self.reason, until, now).await;
        approved.into_diagnostic().wrap_err_with(|| format!("while approving plan {}", self.id))?;
        let (id, link) = (self.id, &row.link);
        context.out.sign(Sign::Done, format_args!("plan {id} is approved by {by}, until {until:.0}, for one run"));
        let text = format!(
            "the next run of {link} makes the plan again: if it is the same it runs, else the word does not count"
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
        let rejected = journal.reject_plan(self.id, &by, &self.reason, context.clock.now()).await;
        rejected.into_diagnostic().wrap_err_with(|| format!("while rejecting plan {}", self.id))?;
        context.out.sign(Sign::Done, format_args!("plan {} is rejected by {by}", self.id));
        context.out.json(&json!({ "plan": self.id, "link": row.link, "state": "rejected", "by": by }));
        Ok(Exit::Fine)
    }

    fn by(&self, context: &Context) -> miette::Result<String> {
        context.decider(self.by.as_ref())
    }

    async fn read(&self, journal: &rollbook_journal::Journal) -> miette::Result<PlanRow> {
        let row = journal.plan(self.id).await.into_diagnostic();
        row.wrap_err_with(|| format!("while reading plan {}; `rollbook plans show` lists those that wait", self.id))
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
        "judged": row.judged.as_ref().map(|(by, at, why)| json!({"by": by, "at": at, "why": why})),
    })
}
