//! A request: what was asked of the process, how it stands, and what came of it.

use crate::incident::Failure;
use crate::layout::{
    Answer, Badge, Caller, Here, Shell, TimeFormatter, Tone, When, counted, grouped, show, word_label,
};
use crate::pages::doctor::{CheckRow, check_rows};
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Job, JobOutcome, Ran, Request, RequestId};

#[derive(Template)]
#[template(path = "pages/request.html")]
struct RequestPage {
    shell: Shell,
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
    pub asked: When,
    pub node: String,
    pub finished: Option<When>,
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

pub(in crate::pages) fn standing(request: &Request, clockwork: &TimeFormatter) -> RequestStatus {
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
        asked: clockwork.ago(request.asked),
        node: request.node.clone().unwrap_or_default(),
        finished: clockwork.maybe(request.finished),
        failed: match &request.answer {
            Some(JobOutcome::Failed { words, remedy }) => Some((words.clone(), remedy.clone())),
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
        numbers: numbers.map(|(label, count)| (label, grouped(count))).to_vec(),
        changes: changes.clone(),
        skips: skips.clone(),
        findings: findings.iter().map(ToString::to_string).collect(),
        gaps: gaps.clone(),
        left_out: *left_out,
    }
}

pub(in crate::pages) async fn show_request(caller: Caller, Path(id): Path<i64>) -> Answer {
    let request = caller.state.journal.requests().find(RequestId(id)).await?;
    let request = request.ok_or_else(|| Failure::NotFound(format!("request {id}")))?;
    // These have pages of their own, with what can be done next.
    match &request.job {
        Job::QueryFeed { .. } => return Ok(Redirect::to(&format!("/intake?request={id}")).into_response()),
        Job::PreviewCompletion { .. } => return Ok(Redirect::to(&format!("/completions?request={id}")).into_response()),
        _ => {}
    }
    let clockwork = caller.clockwork(request.job.link());
    let request_view = standing(&request, &clockwork);
    let (ran, lines, checks) = came(&request);
    let page = RequestPage {
        shell: Shell {
            live: if request_view.is_finished { 0 } else { 1 },
            ..caller.shell(heading(&request.job), Here::Overview).await?
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

fn came(request: &Request) -> (Option<RanView>, Vec<String>, Vec<CheckRow>) {
    match &request.answer {
        Some(JobOutcome::Ran(ran)) => (Some(ran_view(ran)), Vec::new(), Vec::new()),
        Some(JobOutcome::Attended(attended)) => {
            let mut lines = vec![format!("{} released or settled.", counted(attended.records, "record"))];
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
                (reported.failed, "not accepted yet, and tried again later"),
            ];
            let lines = lines.iter().filter(|(count, _)| *count > 0);
            (None, lines.map(|(count, what)| format!("{} {what}.", counted(*count, "report"))).collect(), Vec::new())
        }
        Some(JobOutcome::Marked { marked, known }) => {
            (None, vec![format!("{marked} marked now, {known} known before.")], Vec::new())
        }
        Some(JobOutcome::Examined { checks }) => (None, Vec::new(), check_rows(checks)),
        Some(JobOutcome::Feed(_) | JobOutcome::Completion(_) | JobOutcome::Failed { .. }) | None => {
            (None, Vec::new(), Vec::new())
        }
    }
}

fn heading(ask: &Job) -> String {
    let about = ask.link().map(|link| format!(": {link}")).unwrap_or_default();
    let what = match ask {
        Job::RunLink { .. } if ask.only_looks() => "Dry run".to_owned(),
        Job::RunLink { .. } => "Run".to_owned(),
        Job::ApplyPlan { plan, .. } => format!("Approved plan {plan}"),
        Job::ProcessRecords { .. } => "Records by hand".to_owned(),
        Job::Attend { item, .. } => format!("Attention item {item}"),
        Job::SendCompletion { .. } => "Completion by hand".to_owned(),
        other => word_label(other.kind()),
    };
    format!("{what}{about}")
}

fn back(ask: &Job) -> (String, &'static str) {
    match ask {
        Job::Attend { .. } => ("/attention".to_owned(), "Attention"),
        Job::ApplyPlan { .. } => ("/plans".to_owned(), "Plans"),
        Job::ProcessRecords { .. } | Job::QueryFeed { .. } => ("/intake".to_owned(), "Intake by hand"),
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
