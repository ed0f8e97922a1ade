//! `/metrics`: what the journal knows, then what this process pluralise. Labels are names from the configuration and words from
//! the code: a learner's data is never one.

use super::ObservabilityState;
use super::access::admit;
use super::exposition::{Exposition, MEDIA_TYPE};
use crate::api::problem::Problem;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rollbook_journal::{JournalMetrics, LinkOverview, OutboxTotal};
use std::collections::BTreeMap;

type Labels = Vec<(&'static str, String)>;

pub async fn show_metrics(State(state): State<ObservabilityState>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    admit(&state, &parts).await?;
    let now = state.clock.now();
    let numbers = state.journal.metrics().await?;
    let overview = state.journal.links().overview(now).await?;
    let outbox = state.journal.outbox().totals().await?;
    let mut page = Exposition::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    page.gauge("rollbook_build_info", "The version that runs; always 1", [(version, 1.0)]);
    write_records(&mut page, &numbers);
    write_links(&mut page, &state, &overview, now);
    write_outbox(&mut page, &outbox, now);
    let text = page.into_text() + &state.recorder.render();
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

fn write_records(page: &mut Exposition, JournalMetrics { runs, records, requests }: &JournalMetrics) {
    let runs = runs.iter().map(|((link, flow, state), total)| {
        (labels([("link", link), ("flow", flow), ("state", state)]), as_number(*total))
    });
    page.gauge("rollbook_runs", "Runs in the journal, by link, flow and state", runs);
    let records =
        records.iter().map(|((link, status), total)| (labels([("link", link), ("status", status)]), as_number(*total)));
    page.gauge("rollbook_records", "Records in the journal, by link and status", records);
    let requests =
        requests.iter().map(|((kind, state), total)| (labels([("kind", kind), ("state", state)]), as_number(*total)));
    page.gauge("rollbook_requests_open", "Unfinished requests", requests);
}

fn write_links(page: &mut Exposition, state: &ObservabilityState, overview: &[LinkOverview], now: Timestamp) {
    let of = |overview: &LinkOverview| labels([("link", overview.state.link.as_str())]);
    let age = |overview: &LinkOverview, at: Option<Timestamp>| at.map(|at| (of(overview), seconds(now, at)));
    let total = |overview: &LinkOverview, total: u64| (of(overview), as_number(total));
    let is_intake = |overview: &&LinkOverview| state.settings.intake(&overview.state.link).is_ok();
    let lag = overview.iter().filter(is_intake).filter_map(|link| age(link, link.state.watermark));
    page.gauge("rollbook_feed_lag_seconds", "How far behind now the feed is covered", lag);
    let silence = overview.iter().filter(is_intake).filter_map(|link| age(link, link.last_record));
    page.gauge("rollbook_feed_silence_seconds", "How long ago an Enrol or Suspend was last applied", silence);
    let last = overview.iter().filter_map(|link| age(link, link.last_run.as_ref().map(|run| run.started)));
    page.gauge("rollbook_last_run_age_seconds", "How long ago the newest run began", last);
    let paused = overview.iter().map(|link| total(link, u64::from(link.state.paused.is_some())));
    page.gauge("rollbook_link_paused", "Whether the link is paused: 1 it is, 0 it is not", paused);
    let attention = overview.iter().map(|link| total(link, link.attention));
    page.gauge("rollbook_attention_open", "Open attention items", attention);
    let plans = overview.iter().map(|link| total(link, link.plans));
    page.gauge("rollbook_plans_blocked", "Plans that wait for approval", plans);
    let waiting = overview.iter().flat_map(|link| {
        let name = link.state.link.as_str();
        link.waiting
            .iter()
            .map(move |(code, total)| (labels([("link", name), ("code", code.as_str())]), as_number(*total)))
    });
    page.gauge("rollbook_records_waiting", "Unsettled records, by outcome code", waiting);
}

fn write_outbox(page: &mut Exposition, outbox: &[OutboxTotal], now: Timestamp) {
    let due = outbox.iter().map(|row| {
        let labels = labels([("link", row.link.as_str()), ("kind", row.kind.as_str()), ("state", &row.state)]);
        (labels, as_number(row.total))
    });
    page.gauge("rollbook_outbox_due", "Mails, completions and notices in the outbox", due);
    let mut oldest: BTreeMap<(&str, &'static str), Timestamp> = BTreeMap::new();
    for row in outbox {
        let known = oldest.entry((row.link.as_str(), row.kind.as_str())).or_insert(row.oldest);
        *known = (*known).min(row.oldest);
    }
    let ages =
        oldest.iter().map(|((link, kind), since)| (labels([("link", link), ("kind", kind)]), seconds(now, *since)));
    page.gauge("rollbook_outbox_oldest_age_seconds", "How long the oldest of them has waited", ages);
}

fn labels<const N: usize>(labels: [(&'static str, &str); N]) -> Labels {
    labels.map(|(name, text)| (name, text.to_owned())).to_vec()
}

fn seconds(now: Timestamp, then: Timestamp) -> f64 {
    now.duration_since(then).as_secs_f64().max(0.0)
}

/// Above 2^53 a count would lose its last digits, which nobody would miss.
fn as_number(total: u64) -> f64 {
    total as f64
}
