//! A request to the process: its state and result.

use super::views::request::{CheckRow, RequestStatus, check_rows, request_status};
use crate::layout::{
    Badge, Layout, PageContext, PageLocation, PageResult, Tone, format_count, label_of, pluralise, show,
};
use crate::page_error::PageError;
use crate::pages::extract::PathParam;
use askama::Template;
use axum::response::{IntoResponse, Redirect};
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Job, JobOutcome, Ran, Request, RequestId};

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

pub(in crate::pages) async fn show_request(context: PageContext, PathParam(id): PathParam<i64>) -> PageResult {
    let request = context.state.journal.requests().find(RequestId(id)).await?;
    let request = request.ok_or_else(|| PageError::NotFound(format!("request {id}")))?;
    // These have pages of their own, with what can be done next.
    match &request.job {
        Job::QueryFeed { .. } => return Ok(Redirect::to(&format!("/intake?request={id}")).into_response()),
        Job::PreviewCompletion { .. } => return Ok(Redirect::to(&format!("/completions?request={id}")).into_response()),
        _ => {}
    }
    let times = context.times(request.job.link());
    let request_view = request_status(&request, &times);
    let (ran, lines, checks) = results(&request);
    let page = RequestPage {
        layout: Layout {
            live: if request_view.is_finished { 0 } else { 1 },
            ..context.layout(heading(&request.job), PageLocation::Overview).await?
        },
        heading: heading(&request.job),
        request: request_view,
        ran,
        lines,
        checks,
        back: back(&request.job),
    };
    show(&page)
}

fn results(request: &Request) -> (Option<RanView>, Vec<String>, Vec<CheckRow>) {
    match &request.answer {
        Some(JobOutcome::Ran(ran)) => (Some(ran_view(ran)), Vec::new(), Vec::new()),
        Some(JobOutcome::Attended(attended)) => {
            let mut lines = vec![format!("{} released or settled.", pluralise(attended.records, "record"))];
            if !attended.changed.is_empty() {
                lines.push(attended.changed.clone());
            }
            (attended.ran.as_ref().map(ran_view), lines, Vec::new())
        }
        Some(JobOutcome::Reported(reported)) => {
            let lines = [
                (reported.queued, "queued"),
                (reported.accepted, "accepted by the ELM"),
                (reported.refused, "refused by the ELM"),
                (reported.failed, "not accepted yet; they are tried again later"),
            ];
            let lines = lines.iter().filter(|(count, _)| *count > 0);
            (None, lines.map(|(count, what)| format!("{} {what}.", pluralise(*count, "report"))).collect(), Vec::new())
        }
        Some(JobOutcome::Marked { marked, known }) => {
            (None, vec![format!("{marked} marked now, {known} marked before.")], Vec::new())
        }
        Some(JobOutcome::Examined { checks }) => (None, Vec::new(), check_rows(checks)),
        Some(JobOutcome::Feed(_) | JobOutcome::Completion(_) | JobOutcome::Failed { .. }) | None => {
            (None, Vec::new(), Vec::new())
        }
    }
}

fn heading(job: &Job) -> String {
    let about = job.link().map(|link| format!(": {link}")).unwrap_or_default();
    let what = match job {
        Job::RunLink { .. } if job.only_looks() => "Dry run".to_owned(),
        Job::RunLink { .. } => "Run".to_owned(),
        Job::ApplyPlan { plan, .. } => format!("Approved plan {plan}"),
        Job::ProcessRecords { .. } => "Manual intake".to_owned(),
        Job::Attend { item, .. } => format!("Attention item {item}"),
        Job::SendCompletion { .. } => "Manual completion".to_owned(),
        other => label_of(other.kind()),
    };
    format!("{what}{about}")
}

fn back(job: &Job) -> (String, &'static str) {
    match job {
        Job::Attend { .. } => ("/attention".to_owned(), "Attention"),
        Job::ApplyPlan { .. } => ("/plans".to_owned(), "Plans"),
        Job::ProcessRecords { .. } | Job::QueryFeed { .. } => ("/intake".to_owned(), "Manual intake"),
        Job::Examine { .. } => ("/doctor".to_owned(), "Doctor"),
        Job::SyncMember { .. } => ("/guilds".to_owned(), "Guilds"),
        Job::RunLink { .. } => ("/".to_owned(), "Overview"),
        Job::PreviewCompletion { .. }
        | Job::SendCompletion { .. }
        | Job::RetryCompletions { .. }
        | Job::MarkCompletions { .. }
        | Job::SupplyEnrolment { .. }
        | Job::CheckCompletions { .. } => ("/completions".to_owned(), "Completions"),
    }
}
