//! `rollbook links`: every link with its schedule, and the switch that pauses one.
//!
//! A pause is an event with its author; what comes due meanwhile is kept, and caught up by one run.

use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::LinkName;
use rollbook_journal::{LinkOverview, ScheduleRow};
use rollbook_settings::Settings;
use rollbook_settings::link::Link;
use serde_json::{Value, json};

/// Links with their schedule and next run; pause and resume them
#[derive(Debug, Args)]
pub(in crate::cli) struct LinksCommand {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the links (the default)
    List,
    /// Pause a link: nothing runs or is sent until it is resumed
    Pause(Pause),
    /// Resume a paused link
    Resume(Resume),
}

#[derive(Debug, Args)]
struct Pause {
    /// The link's name in the configuration
    link: String,

    /// Why; shown to everybody who looks at the link
    #[arg(long, value_name = "WHY")]
    reason: String,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
struct Resume {
    /// The link's name in the configuration
    link: String,

    /// Who decided [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl LinksCommand {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.act {
            None | Some(Act::List) => list(context).await,
            Some(Act::Pause(pause)) => pause.run(context).await,
            Some(Act::Resume(resume)) => resume.run(context).await,
        }
    }
}

/// A link as it is configured, and as the journal knows it.
struct Shown<'a> {
    link: &'a Link,
    row: Option<&'a ScheduleRow>,
    overview: Option<&'a LinkOverview>,
}

async fn list(context: &mut Context) -> miette::Result<Exit> {
    let settings = context.settings()?;
    let journal = context.journal(&settings).await?;
    let doing = "while reading the journal";
    let rows = journal.schedule().list().await.into_diagnostic().wrap_err(doing)?;
    let overview = journal.links().overview(context.clock.now()).await.into_diagnostic().wrap_err(doing)?;
    let shown: Vec<Shown<'_>> = settings
        .links
        .iter()
        .map(|(name, link)| Shown {
            link,
            row: rows.get(name),
            overview: overview.iter().find(|overview| overview.state.link == *name),
        })
        .collect();
    print(&shown, context.clock.now(), &mut context.out);
    Ok(Exit::Fine)
}

fn print(links: &[Shown<'_>], now: Timestamp, out: &mut Output) {
    let mut table = Table::new(["link", "flow", "schedule", "next run", "last run"]);
    for shown in links {
        let schedule = shown.link.schedule();
        let local =
            |time: Timestamp| time.to_zoned(schedule.timezone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
        let last = shown.overview.and_then(|overview| overview.last_run.as_ref());
        table.row([
            shown.link.name().to_string(),
            shown.link.flow().to_owned(),
            schedule.text.clone(),
            shown.next(now).map_or_else(|| shown.why_not(&local), local),
            last.map_or_else(|| "never".to_owned(), |run| format!("{}, {}", local(run.started), run.state)),
        ]);
    }
    out.table(&table);
    out.json(&json!({ "links": links.iter().map(|shown| shown.as_json(now)).collect::<Vec<_>>() }));
}

impl Shown<'_> {
    fn paused(&self) -> Option<&(Timestamp, String, String)> {
        self.overview.and_then(|overview| overview.state.paused.as_ref())
    }

    fn is_on(&self) -> bool {
        let word = self.row.and_then(|row| row.switch.as_ref()).map(|switch| switch.enabled);
        word.unwrap_or(self.link.schedule().enabled)
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.link.schedule().next_after(now).filter(|_| self.is_on() && self.paused().is_none())
    }

    /// Why it does not run by itself.
    fn why_not(&self, local: &dyn Fn(Timestamp) -> String) -> String {
        let switch = self.row.and_then(|row| row.switch.as_ref()).filter(|switch| !switch.enabled);
        match (self.paused(), switch) {
            (Some((since, by, why)), _) => format!("paused by {by} since {}: {why}", local(*since)),
            (None, Some(switch)) => {
                format!("switched off by {} since {}: {}", switch.by, local(switch.since), switch.why)
            }
            (None, None) if !self.is_on() => "not enabled in the configuration".to_owned(),
            (None, None) => "never".to_owned(),
        }
    }

    fn as_json(&self, now: Timestamp) -> Value {
        let schedule = self.link.schedule();
        let last = self.overview.and_then(|overview| overview.last_run.as_ref());
        json!({
            "link": self.link.name(), "flow": self.link.flow(), "schedule": schedule.text,
            "enabled": self.is_on(), "next": self.next(now),
            "paused": self.paused().map(|(since, by, why)| json!({"since": since, "by": by, "why": why})),
            "last_run": last.map(|run| json!({"run": run.id, "state": run.state, "started": run.started})),
        })
    }
}

impl Pause {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let (link, by) = (find(&settings, &self.link)?, context.decider(self.by.as_ref())?);
        let journal = context.journal(&settings).await?;
        let paused = journal.links().pause(&link, &by, &self.reason, context.clock.now()).await;
        paused.into_diagnostic().wrap_err_with(|| format!("while pausing link {link}"))?;
        context.out.sign(Sign::Done, format_args!("link {link} is paused by {by}: {}", self.reason));
        context.out.sign(Sign::Note, "a run in progress finishes; no new run starts");
        context.out.json(&json!({ "link": link, "paused": true, "by": by }));
        Ok(Exit::Fine)
    }
}

impl Resume {
    async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let (link, by) = (find(&settings, &self.link)?, context.decider(self.by.as_ref())?);
        let journal = context.journal(&settings).await?;
        let resumed = journal.links().resume(&link, &by, context.clock.now()).await;
        resumed.into_diagnostic().wrap_err_with(|| format!("while resuming link {link}"))?;
        context.out.sign(Sign::Done, format_args!("link {link} is resumed; missed runs are caught up by one run"));
        context.out.json(&json!({ "link": link, "paused": false, "by": by }));
        Ok(Exit::Fine)
    }
}

fn find(settings: &Settings, name: &str) -> miette::Result<LinkName> {
    let link = LinkName::new(name);
    if settings.links.contains_key(&link) {
        return Ok(link);
    }
    let known: Vec<_> = settings.links.keys().map(LinkName::as_str).collect();
    Err(miette!(help = format!("there is {}", known.join(", ")), "there is no link {name}"))
}
