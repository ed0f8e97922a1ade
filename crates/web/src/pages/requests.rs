//! A request: what was asked of the process, how it stands, and what came of it.

use crate::incident::PageError;
use crate::layout::{
    Answer, Badge, PageContext, PageLocation, Layout, TimeFormatter, Tone, ShownTime, pluralise, format_count, show, label,
};
use crate::pages::doctor::{CheckRow, check_rows};
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Answer as Came, Ask, Ran, Request, RequestId};

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

/// How a request stands, on whichever page shows it.
pub(in crate::pages) struct RequestStatus {
    pub badge: Badge,
    pub is_finished: bool,
    pub asked_by: String,
    pub asked: ShownTime,
    pub node: String,
    pub finished: Option<ShownTime>,
    /// Why it failed, and what to do.
    pub failed: Option<(String, String)>,
}

/// What a run came to, or would.
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

pub(in crate::pages) fn standing(request: &Request, times: &TimeFormatter) -> RequestStatus {
    use rollbook_journal::requests::RequestState::{Done, Failed, Running, Waiting};
    let (tone, label) = match request.state {
        Waiting => (Tone::Busy, "waiting for the process"),
        Running => (Tone::Busy, "being carried out"),
        Done => (Tone::Good, "done"),
        Failed => (Tone::Bad, "failed"),
    };
    RequestStatus {
        badge: Badge::new(tone, label),
        is_finished: request.state.is_finished(),
        asked_by: request.asked_by.clone(),
        asked: times.ago(request.asked),
        node: request.node.clone().unwrap_or_default(),
        finished: times.maybe(request.finished),
        failed: match &request.answer {
            Some(Came::Failed { words, remedy }) => Some((words.clone(), remedy.clone())),
            _ => None,
        },
    }
}

fn ran_view(ran: &Ran) -> RanView {
    let Ran { run, state, counts, changes, skips, left_out, findings, gaps, plan } = ran;
    let (tone, label) = match state {
        RunState::Done => (Tone::Good, "done"),
        RunState::Running => (Tone::Busy, "running"),
        RunState::Partly | RunState::Stopped => (Tone::Warn, state.as_str()),
        RunState::GuardRefused => (Tone::Bad, "a guard refused"),
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

pub(in crate::pages) async fn show_request(context: PageContext, Path(id): Path<i64>) -> Answer {
    let request = context.state.journal.request(RequestId(id)).await?;
    let request = request.ok_or_else(|| PageError::NotFound(format!("request {id}")))?;
    // These have pages of their own, with what can be done next.
    match &request.ask {
        Ask::QueryFeed { .. } => return Ok(Redirect::to(&format!("/intake?request={id}")).into_response()),
        Ask::PreviewCompletion { .. } => return Ok(Redirect::to(&format!("/completions?request={id}")).into_response()),
        _ => {}
    }
    let times = context.times(request.ask.link());
    let request_view = standing(&request, &times);
    let (ran, lines, checks) = came(&request);
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

fn came(request: &Request) -> (Option<RanView>, Vec<String>, Vec<CheckRow>) {
    match &request.answer {
        Some(Came::Ran(ran)) => (Some(ran_view(ran)), Vec::new(), Vec::new()),
        Some(Came::Attended(attended)) => {
            let mut lines = vec![format!("{} released or settled.", pluralise(attended.records, "record"))];
            if !attended.changed.is_empty() {
                lines.push(attended.changed.clone());
            }
            (attended.ran.as_ref().map(ran_view), lines, Vec::new())
        }
        Some(Came::Reported(reported)) => {
            let lines = [
                (reported.queued, "queued"),
                (reported.accepted, "accepted by the ELM"),
                (reported.refused, "refused by the ELM"),
                (reported.failed, "not accepted yet, and tried again later"),
            ];
            let lines = lines.iter().filter(|(count, _)| *count > 0);
            (None, lines.map(|(count, what)| format!("{} {what}.", pluralise(*count, "report"))).collect(), Vec::new())
        }
        Some(Came::Marked { marked, known }) => {
            (None, vec![format!("{marked} marked now, {known} known before.")], Vec::new())
        }
        Some(Came::Examined { checks }) => (None, Vec::new(), check_rows(checks)),
        Some(Came::Feed(_) | Came::Completion(_) | Came::Failed { .. }) | None => (None, Vec::new(), Vec::new()),
    }
}

fn heading(ask: &Ask) -> String {
    let about = ask.link().map(|link| format!(": {link}")).unwrap_or_default();
    let what = match ask {
        Ask::RunLink { .. } if ask.only_looks() => "Dry run".to_owned(),
        Ask::RunLink { .. } => "Run".to_owned(),
        Ask::ApplyPlan { plan, .. } => format!("Approved plan {plan}"),
        Ask::ProcessRecords { .. } => "Records by hand".to_owned(),
        Ask::Attend { item, .. } => format!("Attention item {item}"),
        Ask::SendCompletion { .. } => "Completion by hand".to_owned(),
        other => label(other.kind()),
    };
    format!("{what}{about}")
}

fn back(ask: &Ask) -> (String, &'static str) {
    match ask {
        Ask::Attend { .. } => ("/attention".to_owned(), "Attention"),
        Ask::ApplyPlan { .. } => ("/plans".to_owned(), "Plans"),
        Ask::ProcessRecords { .. } | Ask::QueryFeed { .. } => ("/intake".to_owned(), "Intake by hand"),
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
