//! Runs: one by one, as a chart over time, and in total.
//!
//! Reading order: `charts`, then `detail`, one run with its plan, findings, events and calls.

mod charts;
mod detail;

pub(super) use charts::chart_of_days;
pub(super) use detail::show_run;

use crate::layout::{
    Badge, Chart, Layout, NextPage, PageContext, PageLocation, PageResult, SelectOption, ShownTime, TimeFormatter,
    flow_label, format_count, kind_label, run_badge, run_reason, show,
};
use crate::pages::extract::QueryParams;
use askama::Template;
use charts::Range;
use form_urlencoded::byte_serialize;
use rollbook_core::model::LinkName;
use rollbook_journal::{RunFilter, RunRow};
use serde::Deserialize;

/// So many runs a page.
const RUNS: u32 = 50;

#[derive(Template)]
#[template(path = "pages/runs.html")]
struct RunsPage {
    layout: Layout,
    links: Vec<SelectOption>,
    flows: Vec<SelectOption>,
    range: String,
    ranges: Vec<(String, String, bool)>,
    chart: Chart,
    caption: String,
    totals: Vec<(&'static str, String)>,
    runs: Vec<RunRowView>,
    next: Option<NextPage>,
}

struct RunRowView {
    path: String,
    began: ShownTime,
    badge: Badge,
    link: String,
    what: String,
    took: String,
    numbers: [(&'static str, String); 5],
    reason: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunsPageQuery {
    link: String,
    flow: String,
    range: String,
    from: String,
    before: String,
}

impl RunsPageQuery {
    fn path_with(&self, range: &str, from: &str, before: &str) -> String {
        let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        format!(
            "/runs?link={}&flow={}&range={}&from={}&before={before}",
            part(&self.link),
            part(&self.flow),
            part(range),
            part(from)
        )
    }
}

pub(super) async fn show_runs(context: PageContext, QueryParams(query): QueryParams<RunsPageQuery>) -> PageResult {
    let link = Some(query.link.trim()).filter(|link| !link.is_empty()).map(LinkName::new);
    let times = context.times(link.as_ref());
    let range = Range::read(&query.range, &query.from, &times);
    let filter = RunFilter {
        link: link.clone(),
        flow: Some(query.flow.clone()).filter(|flow| !flow.is_empty()),
        since: None,
        before: query.before.parse().ok(),
        limit: RUNS + 1,
    };
    let mut rows = context.state.journal.runs().list(&filter).await?;
    let more = rows.len() > RUNS as usize;
    rows.truncate(RUNS as usize);
    let next = rows.last().filter(|_| more);
    let next = next.map(|last| NextPage { path: query.path_with(&query.range, &query.from, &last.number.to_string()) });
    let names: Vec<&str> = context.state.settings.links.keys().map(LinkName::as_str).collect();
    let all = || std::iter::once(("", "all".to_owned()));
    let page = RunsPage {
        layout: Layout { live: 5, ..context.layout("Runs", PageLocation::Runs).await? },
        links: SelectOption::list(all().chain(names.iter().map(|name| (*name, (*name).to_owned()))), &query.link),
        flows: SelectOption::list(
            all().chain(["intake", "completions", "guilds"].map(|flow| (flow, flow_label(flow)))),
            &query.flow,
        ),
        ranges: Range::ALL
            .iter()
            .map(|known| (known.label().to_owned(), query.path_with(known.word(), "", ""), *known == range.kind))
            .collect(),
        caption: range.caption(&times),
        chart: charts::draw(&context, link.as_ref(), &range, &times, |kind, from| query.path_with(kind, from, ""))
            .await?,
        range: range.kind.word().to_owned(),
        totals: charts::totals(&context, link.as_ref()).await?,
        runs: rows.iter().map(|run| run_row(run, &times)).collect(),
        next,
    };
    show(&page)
}

fn run_row(run: &RunRow, times: &TimeFormatter) -> RunRowView {
    let counts = &run.counts;
    let kind = kind_label(run.kind);
    let flow = flow_label(&run.flow);
    RunRowView {
        path: format!("/runs/{}", run.id),
        began: times.ago(run.started),
        badge: run_badge(run),
        link: run.link.to_string(),
        what: if kind.is_empty() { flow } else { format!("{flow}, {kind}") },
        took: took(run),
        numbers: [
            ("Enrolled or added", format_count(counts.enrolled)),
            ("Suspended or removed", format_count(counts.suspended)),
            ("Skipped", format_count(counts.skipped)),
            ("Waiting", format_count(counts.waiting)),
            ("Errors", format_count(counts.errors)),
        ],
        reason: run_reason(run),
    }
}

/// How long a run took.
fn took(run: &RunRow) -> String {
    let Some(ended) = run.ended else { return String::new() };
    let seconds = ended.duration_since(run.started).as_millis();
    match seconds {
        0..=59_999 => format!("{}.{} s", seconds / 1_000, seconds % 1_000 / 100),
        _ => format!("{} min {} s", seconds / 60_000, seconds % 60_000 / 1_000),
    }
}
