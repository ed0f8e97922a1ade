//! Runs: one by one, drawn over time, and added up since the beginning.
//!
//! Next: `figures`, what is drawn, and `detail`, one run with its plan, findings, events and calls.

mod detail;
mod figures;

pub(super) use detail::{PlanView, plan_badge, plan_view, show_run};
pub(super) use figures::chart_of_days;

use crate::layout::{
    Answer, Badge, Caller, Chart, Choice, Here, More, Shell, TimeFormatter, When, flow_label, grouped, kind_label,
    run_badge, run_reason, show,
};
use askama::Template;
use axum::extract::Query;
use figures::Range;
use form_urlencoded::byte_serialize;
use rollbook_core::model::LinkName;
use rollbook_journal::{RunFilter, RunRow};
use serde::Deserialize;

/// So many runs a page.
const RUNS: u32 = 50;

#[derive(Template)]
#[template(path = "pages/runs.html")]
struct RunsPage {
    shell: Shell,
    links: Vec<Choice>,
    flows: Vec<Choice>,
    range: String,
    ranges: Vec<(String, String, bool)>,
    chart: Chart,
    caption: String,
    totals: Vec<(&'static str, String)>,
    runs: Vec<RunLine>,
    next: Option<More>,
}

struct RunLine {
    path: String,
    began: When,
    badge: Badge,
    link: String,
    what: String,
    took: String,
    numbers: [(&'static str, String); 5],
    reason: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    link: String,
    flow: String,
    range: String,
    from: String,
    before: String,
}

impl Wanted {
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

pub(super) async fn show_runs(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let link = Some(wanted.link.trim()).filter(|link| !link.is_empty()).map(LinkName::new);
    let clockwork = caller.clockwork(link.as_ref());
    let range = Range::read(&wanted.range, &wanted.from, &clockwork);
    let filter = RunFilter {
        link: link.clone(),
        flow: Some(wanted.flow.clone()).filter(|flow| !flow.is_empty()),
        since: None,
        before: wanted.before.parse().ok(),
        limit: RUNS + 1,
    };
    let mut rows = caller.state.journal.runs().list(&filter).await?;
    let more = rows.len() > RUNS as usize;
    rows.truncate(RUNS as usize);
    let next = rows.last().filter(|_| more);
    let next = next.map(|last| More { path: wanted.path_with(&wanted.range, &wanted.from, &last.number.to_string()) });
    let names: Vec<&str> = caller.state.settings.links.keys().map(LinkName::as_str).collect();
    let all = || std::iter::once(("", "all".to_owned()));
    let page = RunsPage {
        shell: Shell { live: 5, ..caller.shell("Runs", Here::Runs).await? },
        links: Choice::list(all().chain(names.iter().map(|name| (*name, (*name).to_owned()))), &wanted.link),
        flows: Choice::list(
            all().chain(["intake", "completions", "guilds"].map(|flow| (flow, flow_label(flow)))),
            &wanted.flow,
        ),
        ranges: Range::ALL
            .iter()
            .map(|known| (known.label().to_owned(), wanted.path_with(known.word(), "", ""), *known == range.kind))
            .collect(),
        caption: range.caption(&clockwork),
        chart: figures::draw(&caller, link.as_ref(), &range, &clockwork, |kind, from| wanted.path_with(kind, from, ""))
            .await?,
        range: range.kind.word().to_owned(),
        totals: figures::since_the_beginning(&caller, link.as_ref()).await?,
        runs: rows.iter().map(|run| line(run, &clockwork)).collect(),
        next,
    };
    show(&page)
}

fn line(run: &RunRow, clockwork: &TimeFormatter) -> RunLine {
    let counts = &run.counts;
    let kind = kind_label(run.kind);
    let flow = flow_label(&run.flow);
    RunLine {
        path: format!("/runs/{}", run.id),
        began: clockwork.ago(run.started),
        badge: run_badge(run),
        link: run.link.to_string(),
        what: if kind.is_empty() { flow } else { format!("{flow}, {kind}") },
        took: took(run),
        numbers: [
            ("Enrolled or added", grouped(counts.enrolled)),
            ("Suspended or removed", grouped(counts.suspended)),
            ("Skipped", grouped(counts.skipped)),
            ("Waiting", grouped(counts.waiting)),
            ("Errors", grouped(counts.errors)),
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
