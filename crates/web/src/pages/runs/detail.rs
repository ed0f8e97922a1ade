//! One run: its plan, what the guards found, its events, and the calls that it made.

use crate::layout::{
    Badge, Layout, NextPage, PageContext, PageLocation, PageResult, ShownTime, TimeFormatter, flow_label, format_count,
    kind_label, label_of, run_badge, run_reason, show,
};
use crate::pages::extract::{PathParam, QueryParams};
use crate::pages::views::event::event_summary;
use crate::pages::views::plan::{PlanView, plan_view};
use crate::pages::views::record::log_path;
use askama::Template;
use rollbook_core::run::{EventKind, RunState};
use rollbook_journal::{JournalError, RunRow, StoredEvent};
use serde::Deserialize;
use std::collections::BTreeMap;

/// So many events a page.
const EVENTS: u32 = 200;

#[derive(Template)]
#[template(path = "pages/run.html")]
struct RunPage {
    layout: Layout,
    run: RunHead,
    is_running: bool,
    numbers: Vec<(&'static str, String)>,
    plan: Option<PlanView>,
    events: Vec<EventRow>,
    next: Option<NextPage>,
    log: String,
}

struct RunHead {
    id: String,
    link: String,
    what: String,
    badge: Badge,
    reason: String,
    author: String,
    began: ShownTime,
    ended: Option<ShownTime>,
    took: String,
    covered: Option<(ShownTime, ShownTime)>,
    url: String,
}

struct EventRow {
    at: ShownTime,
    kind: String,
    tone: &'static str,
    author: String,
    about: String,
    summary: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct RunPageQuery {
    after: i64,
}

pub(in crate::pages) async fn show_run(
    context: PageContext,
    PathParam(id): PathParam<String>,
    QueryParams(query): QueryParams<RunPageQuery>,
) -> PageResult {
    let journal = &context.state.journal;
    let run = journal.runs().find(&id).await?;
    let times = context.times(Some(&run.link));
    let plan = plan_of(&context, &run).await?;
    let mut events = journal.runs().events(&run.id, query.after.max(0), EVENTS + 1).await?;
    let more = events.len() > EVENTS as usize;
    events.truncate(EVENTS as usize);
    let next =
        events.last().filter(|_| more).map(|last| NextPage { path: format!("/runs/{}?after={}", run.id, last.id) });
    let is_running = run.state == RunState::Running;
    let here = if run.flow == "guilds" { PageLocation::Guilds } else { PageLocation::Runs };
    let layout = context.layout(format!("Run of {}", run.link), here).await?;
    let page = RunPage {
        layout: Layout { live: if is_running { 2 } else { 0 }, ..layout },
        numbers: numbers(&run, &events),
        plan,
        events: events.iter().map(|event| event_row(event, &times)).collect(),
        next,
        log: log_path(&[("link", run.link.as_str()), ("since", &times.field(run.started))]),
        run: head(&run, &times),
        is_running,
    };
    show(&page)
}

async fn plan_of(context: &PageContext, run: &RunRow) -> Result<Option<PlanView>, JournalError> {
    match context.state.journal.plans().of_run(&run.id).await? {
        Some(plan) => Ok(Some(plan_view(context, &plan).await?)),
        None => Ok(None),
    }
}

fn head(run: &RunRow, times: &TimeFormatter) -> RunHead {
    let kind = kind_label(run.kind);
    RunHead {
        id: run.id.to_string(),
        link: run.link.to_string(),
        what: if kind.is_empty() { flow_label(&run.flow) } else { format!("{}, {kind}", flow_label(&run.flow)) },
        badge: run_badge(run),
        reason: run_reason(run),
        author: run.author.clone(),
        began: times.exactly(run.started),
        ended: run.ended.map(|ended| times.exactly(ended)),
        took: super::took(run),
        covered: run.covered.map(|(from, to)| (times.exactly(from), times.exactly(to))),
        url: run.url.clone(),
    }
}

/// What intake counts; of the other flows the outcomes of their changes.
fn numbers(run: &RunRow, events: &[StoredEvent]) -> Vec<(&'static str, String)> {
    let counts = &run.counts;
    if run.flow == "intake" {
        let all = [
            ("Records", counts.records),
            ("Accounts made", counts.accounts),
            ("Enrolled", counts.enrolled),
            ("Suspended", counts.suspended),
            ("Skipped", counts.skipped),
            ("Waiting", counts.waiting),
            ("Errors", counts.errors),
            ("Calls", counts.calls),
        ];
        return all.map(|(label, count)| (label, format_count(count))).to_vec();
    }
    let mut total: BTreeMap<&'static str, u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == EventKind::Applied) {
        let label = match event.payload["outcome"]["outcome"].as_str() {
            Some("done" | "already_so") => "Done",
            Some("refused") => "Refused",
            Some(_) | None => "Open",
        };
        *total.entry(label).or_default() += 1;
    }
    total.insert("Calls", counts.calls);
    total.into_iter().map(|(label, count)| (label, format_count(count))).collect()
}

fn event_row(event: &StoredEvent, times: &TimeFormatter) -> EventRow {
    let record = event.record.map(|record| record.to_hex()[..12].to_owned());
    EventRow {
        at: times.exactly(event.at),
        kind: label_of(event.kind.as_str()),
        tone: match event.kind {
            EventKind::Alert => "bad-text",
            EventKind::Finding if event.payload["level"] == "block" => "bad-text",
            _ => "",
        },
        author: event.author.clone(),
        about: record.or_else(|| event.guid_fold.clone()).unwrap_or_default(),
        summary: event_summary(&event.payload),
    }
}
