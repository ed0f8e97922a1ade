//! A request to the process: its state and result.

use super::views::request::{CheckRow, RequestStatus, check_rows, request_status};
use crate::layout::{
    Badge, Layout, PageContext, PageLocation, PageResult, Tone, format_count, label_of, pluralise, show,
};
use crate::page_error::PageError;
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Answer as RequestAnswer, Ask, Ran, Request, RequestId};

#[derive(Template)]
#[template(path = "pages/request.html")]
struct RequestPage {
    layout: Layout,
    heading: String,
    request: RequestStatus,
    ran: Option<RanView>,
    lines: Vec<String>,
    checks: Vec<CheckRow>,
    back: (String, &'static str),
}

/// The result of a run, or of a dry run.
struct RanView {
    pub is_dry: bool,
    pub badge: Badge,
    pub run: String,
    pub plan: Option<i64>,
    pub numbers: Vec<(&'static str, String)>,
    pub changes: Vec<String>,
    pub skips: Vec<String>,
    pub findings: Vec<String>,
    pub gaps: Vec<String>,
    pub left_out: u64,
}

fn ran_view(ran: &Ran) -> RanView {
    let Ran { run, state, counts, changes, skips, left_out, findings, gaps, plan } = ran;
    let (tone, label) = match state {
        RunState::Done => (Tone::Good, "done"),
        RunState::Running => (Tone::Busy, "running"),
        RunState::Partly | RunState::Stopped => (Tone::Warn, state.as_str()),
        RunState::GuardRefused => (Tone::Bad, "guard refused"),
        RunState::Failed | RunState::Abandoned => (Tone::Bad, state.as_str()),
    };
    let numbers = [
        ("Enrolled", counts.enrolled),
        ("Suspended", counts.suspended),
        ("Accounts", counts.accounts),
        ("Skipped", counts.skipped),
        ("Waiting", counts.waiting),
        ("Errors", counts.errors),
    ];
    RanView {
        is_dry: run.is_none(),
        badge: Badge::new(tone, label.replace('_', " ")),
        run: run.as_ref().map(|run| format!("/runs/{run}")).unwrap_or_default(),
        plan: *plan,
        numbers: numbers.map(|(label, count)| (label, format_count(count))).to_vec(),
        changes: changes.clone(),
        skips: skips.clone(),
        findings: findings.iter().map(ToString::to_string).collect(),
        gaps: gaps.clone(),
        left_out: *left_out,
    }
}

pub(in crate::pages) async fn show_request(context: PageContext, Path(id): Path<i64>) -> PageResult {
    let request = context.state.journal.request(RequestId(id)).await?;
    let request = request.ok_or_else(|| PageError::NotFound(format!("request {id}")))?;
    // These have pages of their own, with what can be done next.
    match &request.ask {
        Ask::QueryFeed { .. } => return Ok(Redirect::to(&format!("/intake?request={id}")).into_response()),
        Ask::PreviewCompletion { .. } => return Ok(Redirect::to(&format!("/completions?request={id}")).into_response()),
        _ => {}
    }
    let times = context.times(request.ask.link());
    let request_view = request_status(&request, &times);
    let (ran, lines, checks) = results(&request);
    let page = RequestPage {
        layout: Layout {
            live: if request_view.is_finished { 0 } else { 1 },
            ..context.layout(heading(&request.ask), PageLocation::Overview).await?
        },
        heading: heading(&request.ask),
        request: request_view,
        ran,
        lines,
        checks,
        back: back(&request.ask),
    };
    show(&page)
}

fn results(request: &Request) -> (Option<RanView>, Vec<String>, Vec<CheckRow>) {
    match &request.answer {
        Some(RequestAnswer::Ran(ran)) => (Some(ran_view(ran)), Vec::new(), Vec::new()),
        Some(RequestAnswer::Attended(attended)) => {
            let mut lines = vec![format!("{} released or settled.", pluralise(attended.records, "record"))];
            if !attended.changed.is_empty() {
                lines.push(attended.changed.clone());
            }
            (attended.ran.as_ref().map(ran_view), lines, Vec::new())
        }
        Some(RequestAnswer::Reported(reported)) => {
            let lines = [
                (reported.queued, "queued"),
                (reported.accepted, "accepted by the ELM"),
                (reported.refused, "refused by the ELM"),
                (reported.failed, "not accepted yet; they are tried again later"),
            ];
            let lines = lines.iter().filter(|(count, _)| *count > 0);
            (None, lines.map(|(count, what)| format!("{} {what}.", pluralise(*count, "report"))).collect(), Vec::new())
        }
        Some(RequestAnswer::Marked { marked, known }) => {
            (None, vec![format!("{marked} marked now, {known} marked before.")], Vec::new())
        }
        Some(RequestAnswer::Examined { checks }) => (None, Vec::new(), check_rows(checks)),
        Some(RequestAnswer::Feed(_) | RequestAnswer::Completion(_) | RequestAnswer::Failed { .. }) | None => {
            (None, Vec::new(), Vec::new())
        }
    }
}

fn heading(ask: &Ask) -> String {
    let about = ask.link().map(|link| format!(": {link}")).unwrap_or_default();
    let what = match ask {
        Ask::RunLink { .. } if ask.only_looks() => "Dry run".to_owned(),
        Ask::RunLink { .. } => "Run".to_owned(),
        Ask::ApplyPlan { plan, .. } => format!("Approved plan {plan}"),
        Ask::ProcessRecords { .. } => "Manual intake".to_owned(),
        Ask::Attend { item, .. } => format!("Attention item {item}"),
        Ask::SendCompletion { .. } => "Manual completion".to_owned(),
        other => label_of(other.kind()),
    };
    format!("{what}{about}")
}

fn back(ask: &Ask) -> (String, &'static str) {
    match ask {
        Ask::Attend { .. } => ("/attention".to_owned(), "Attention"),
        Ask::ApplyPlan { .. } => ("/plans".to_owned(), "Plans"),
        Ask::ProcessRecords { .. } | Ask::QueryFeed { .. } => ("/intake".to_owned(), "Manual intake"),
        Ask::Examine { .. } => ("/doctor".to_owned(), "Doctor"),
        Ask::SyncMember { .. } => ("/guilds".to_owned(), "Guilds"),
        Ask::RunLink { .. } => ("/".to_owned(), "Overview"),
        Ask::PreviewCompletion { .. }
        | Ask::SendCompletion { .. }
        | Ask::RetryCompletions { .. }
        | Ask::MarkCompletions { .. }
        | Ask::SupplyEnrolment { .. }
        | Ask::CheckCompletions { .. } => ("/completions".to_owned(), "Completions"),
    }
}
