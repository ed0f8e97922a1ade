//! `rollbook runs`: the runs, newest first; or one run with its plan, findings and events.

use super::{format_time, print_zone, zone_of};
use crate::cli::arguments::find_link_option;
use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::counted_as;
use rollbook_core::run::RunState;
use rollbook_journal::{Journal, PlanRow, RunFilter, RunRow, StoredEvent};
use serde_json::{Value, json};

/// So many events of a run are shown.
const EVENTS_MAX: u32 = 10_000;

/// List the runs, newest first, or show one run
#[derive(Debug, Args)]
pub(in crate::cli) struct Runs {
    /// A run's id, or its first digits
    id: Option<String>,

    /// Only this link
    #[arg(long, value_name = "LINK")]
    link: Option<String>,

    /// The most runs to show
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl Runs {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let link = find_link_option(&settings, self.link.as_deref())?;
        let zone = zone_of(&settings, link.as_ref());
        let journal = context.journal(&settings).await?;
        match &self.id {
            Some(id) => show_one(&journal, id, &zone, context).await,
            None => {
                let filter = RunFilter { link, limit: self.limit, ..RunFilter::default() };
                let runs = journal.runs().list(&filter).await.into_diagnostic().wrap_err("while reading the runs")?;
                print_list(&runs, &zone, &mut context.out);
                Ok(Exit::Fine)
            }
        }
    }
}

fn print_list(runs: &[RunRow], zone: &TimeZone, out: &mut Output) {
    if runs.is_empty() {
        out.sign(Sign::Note, "no runs yet");
    } else {
        let mut table = Table::new(["run", "link", "started", "state", "enrolled", "suspended", "waiting", "errors"])
            .numbers(&[4, 5, 6, 7])
            .cut(&[(1, 8), (3, 8)]);
        for run in runs {
            let counts = &run.counts;
            let numbers =
                [counts.enrolled, counts.suspended, counts.waiting, counts.errors].map(|count| count.to_string());
            let words = [run.id.to_string(), run.link.to_string(), format_time(run.started, zone), state_words(run)];
            table.row(words.into_iter().chain(numbers));
        }
        out.table(&table);
        print_zone(zone, out);
    }
    out.json(&json!({ "runs": runs.iter().map(as_json).collect::<Vec<_>>() }));
}

fn state_words(run: &RunRow) -> String {
    let state = run.state.as_str().replace('_', " ");
    if run.kind == rollbook_core::run::RunKind::Normal { state } else { format!("{state} ({})", run.kind) }
}

async fn show_one(journal: &Journal, id: &str, zone: &TimeZone, context: &mut Context) -> miette::Result<Exit> {
    let doing = || format!("while reading run {id}");
    let run = journal.runs().find(id).await.into_diagnostic().wrap_err_with(doing)?;
    let plan = journal.plans().of_run(&run.id).await.into_diagnostic().wrap_err_with(doing)?;
    let events = journal.runs().events(&run.id, 0, EVENTS_MAX).await.into_diagnostic().wrap_err_with(doing)?;
    let detailed = context.detailed();
    let out = &mut context.out;
    print_run(&run, zone, out);
    if let Some(plan) = &plan {
        print_plan(plan, out);
    }
    if detailed {
        print_events(&events, zone, out);
    } else {
        out.sign(
            Sign::Note,
            format_args!("{}", counted_as(events.len(), "event; -v shows it", "events; -v shows them")),
        );
    }
    let findings = plan.as_ref().map(|plan| &plan.findings);
    let body = plan.as_ref().and_then(|plan| serde_json::from_str::<Value>(&plan.body).ok());
    let listed: Vec<Value> = events.iter().map(event_json).collect();
    out.json(&json!({ "run": as_json(&run), "plan": body, "findings": findings, "events": listed }));
    Ok(Exit::Fine)
}

fn print_run(run: &RunRow, zone: &TimeZone, out: &mut Output) {
    out.heading(format_args!("Run {}", run.id));
    out.line(format_args!("link       {} ({}, {})", run.link, run.flow, run.kind));
    out.line(format_args!("started by {}", run.author));
    out.line(format_args!("started    {}", format_time(run.started, zone)));
    if let Some(ended) = run.ended {
        let seconds = ended.duration_since(run.started).as_secs_f64();
        out.line(format_args!("ended      {} (after {seconds:.1} s)", format_time(ended, zone)));
    }
    if let Some((from, to)) = run.covered {
        out.line(format_args!(
            "covered    records created from {} to {}",
            format_time(from, zone),
            format_time(to, zone)
        ));
    }
    out.line(format_args!("request    {}", run.url));
    let sign = match run.state {
        RunState::Done => Sign::Done,
        RunState::Running => Sign::Note,
        RunState::Partly | RunState::Stopped => Sign::Warning,
        RunState::Failed | RunState::GuardRefused | RunState::Abandoned => Sign::Failed,
    };
    let reason = if run.reason.is_empty() { String::new() } else { format!(": {}", run.reason) };
    out.sign(sign, format_args!("{}{reason}", run.state.as_str().replace('_', " ")));
    let counts = &run.counts;
    let mut table =
        Table::new(["records", "accounts", "enrolled", "suspended", "skipped", "waiting", "errors", "calls"])
            .numbers(&[0, 1, 2, 3, 4, 5, 6, 7]);
    table.row([
        counts.records,
        counts.accounts,
        counts.enrolled,
        counts.suspended,
        counts.skipped,
        counts.waiting,
        counts.errors,
        counts.calls,
    ]);
    out.line("");
    out.table(&table);
}

fn print_plan(plan: &PlanRow, out: &mut Output) {
    out.heading(format_args!("Plan {} ({})", plan.id, plan.state.as_str()));
    out.line(format_args!("digest     {}", plan.digest));
    for finding in &plan.findings {
        out.sign(Sign::Warning, finding);
    }
}

fn print_events(events: &[StoredEvent], zone: &TimeZone, out: &mut Output) {
    out.heading("Events");
    let mut table = Table::new(["time", "event", "record", "details"]);
    for event in events {
        let record = event.record.map(|record| record.to_hex()[..12].to_owned()).unwrap_or_default();
        let what = if event.author.is_empty() {
            event.payload.to_string()
        } else {
            format!("{}: {}", event.author, event.payload)
        };
        table.row([format_time(event.at, zone), event.kind.to_string(), record, what]);
    }
    out.table(&table);
}

fn as_json(run: &RunRow) -> Value {
    let RunRow { number, id, link, flow, kind, state, author, url, started, ended, covered, counts, reason } = run;
    json!({
        "number": number, "id": id, "link": link, "flow": flow, "kind": kind, "state": state, "author": author, "url": url,
        "started": started, "ended": ended, "covered_from": covered.map(|(from, _)| from), "covered_to": covered.map(|(_, to)| to),
        "counts": counts, "reason": reason,
    })
}

fn event_json(event: &StoredEvent) -> Value {
    let StoredEvent { id, run, link, at, kind, author, record, guid_fold, course, payload } = event;
    json!({
        "id": id, "run": run, "link": link, "at": at, "kind": kind, "author": author, "record": record, "guid": guid_fold,
        "course": course, "payload": payload,
    })
}
