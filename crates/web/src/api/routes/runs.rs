//! Runs: what ran, what it came to, and each of its events.

use super::plans::{FindingView, PlanView};
use super::{PAGE_SIZE, page_of, page_size};
use crate::api::context::ApiContext;
use crate::api::document::ReadErrors;
use crate::api::extractors::{PageCursor, PathParam, QueryParams};
use crate::api::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::run::Counts;
use rollbook_journal::{RunFilter, RunRow, StoredEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunView {
    /// Its id.
    id: String,
    /// Its number: larger for later ones.
    number: i64,
    /// Its link.
    link: String,
    /// `intake`, `completions` or `guilds`.
    flow: String,
    /// What it was asked to do.
    kind: String,
    /// `running`, `done`, `partly`, `guard_refused`, `failed`, `stopped` or `abandoned`.
    state: String,
    /// Who asked for it.
    author: String,
    /// When it began.
    started: Timestamp,
    /// When it ended.
    ended: Option<Timestamp>,
    /// From which record creation time on it covered the feed.
    covered_from: Option<Timestamp>,
    /// Up to which.
    covered_until: Option<Timestamp>,
    /// What it came to.
    counts: CountsView,
    /// Why it ended as it did.
    reason: String,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CountsView {
    /// Records that the feed gave.
    records: u64,
    /// Put into a course or made active again.
    enrolled: u64,
    /// Suspended in a course.
    suspended: u64,
    /// Records that need a human.
    errors: u64,
    /// Records known before, superseded, stale, or so already.
    skipped: u64,
    /// Records that wait for another try.
    waiting: u64,
    /// Accounts created.
    accounts: u64,
    /// Welcome mails queued.
    mails: u64,
    /// Calls to Moodle.
    calls: u64,
}

impl RunView {
    pub(super) fn of(run: &RunRow) -> Self {
        let Counts { records, enrolled, suspended, errors, skipped, waiting, planned: _, accounts, mails, calls } =
            run.counts;
        Self {
            id: run.id.to_string(),
            number: run.number,
            link: run.link.to_string(),
            flow: run.flow.clone(),
            kind: run.kind.as_str().to_owned(),
            state: run.state.as_str().to_owned(),
            author: run.author.clone(),
            started: run.started,
            ended: run.ended,
            covered_from: run.covered.map(|(from, _)| from),
            covered_until: run.covered.map(|(_, until)| until),
            counts: CountsView { records, enrolled, suspended, errors, skipped, waiting, accounts, mails, calls },
            reason: run.reason.clone(),
        }
    }
}

/// Runs, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Runs {
    /// The runs of this page.
    runs: Vec<RunView>,
    /// The next page's `before`; none on the last page.
    next: Option<i64>,
}

/// Which runs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct RunsQuery {
    /// Of this link only.
    link: Option<String>,
    /// Of this flow only.
    #[param(inline)]
    flow: Option<Flow>,
    /// Begun at this moment or later.
    since: Option<Timestamp>,
    /// Older than this number: the `next` of the previous page.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    before: Option<PageCursor>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// A flow.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// ELM → Moodle.
    Intake,
    /// Moodle → ELM.
    Completions,
    /// Community → Moodle.
    Guilds,
}

/// What ran, the newest first
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunsQuery),
    responses((status = 200, body = Runs), ReadErrors))]
pub async fn list_runs(context: ApiContext, QueryParams(query): QueryParams<RunsQuery>) -> Result<Json<Runs>, Problem> {
    let RunsQuery { link, flow, since, before, limit } = query;
    let limit = page_size(limit)?;
    let flow = flow.map(|flow| match flow {
        Flow::Intake => "intake",
        Flow::Completions => "completions",
        Flow::Guilds => "guilds",
    });
    let filter = RunFilter {
        link: link.map(LinkName::new),
        flow: flow.map(str::to_owned),
        since,
        before: before.map(|key| key.0),
        limit: limit + 1,
    };
    let (rows, next) = page_of(context.state.journal.runs().list(&filter).await?, limit, |row| row.number);
    Ok(Json(Runs { runs: rows.iter().map(RunView::of).collect(), next }))
}

/// A run with its plan, and what the guards found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    run: RunView,
    /// Its plan; none where it ended before it made one.
    plan: Option<PlanView>,
    /// What the guards found.
    findings: Vec<FindingView>,
    /// Its first events.
    events: Vec<EventView>,
    /// Where its further events begin: `after` of the events' page.
    next: Option<i64>,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Its number: larger for later ones.
    id: i64,
    /// When.
    at: Timestamp,
    /// What it says.
    kind: String,
    /// Who did it; empty for the run itself.
    author: String,
    /// The record that it is about.
    record: Option<String>,
    /// The person that it is about: the GUID in small letters.
    guid: Option<String>,
    /// The course that it is about.
    course: Option<String>,
    /// The particulars, by kind.
    #[schema(value_type = Object)]
    payload: Value,
}

impl EventView {
    pub(super) fn of(event: &StoredEvent) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind.as_str().to_owned(),
            author: event.author.clone(),
            record: event.record.as_ref().map(|record| record.to_hex()),
            guid: event.guid_fold.clone(),
            course: event.course.as_ref().map(ToString::to_string),
            payload: match &event.payload {
                Value::Object(_) => event.payload.clone(),
                other => serde_json::json!({ "text": other }),
            },
        }
    }
}

/// One run, by its id or the beginning of it, with its plan and first events
#[utoipa::path(get, path = "/runs/{run}", tag = "runs", params(("run" = String, Path)),
    responses((status = 200, body = RunDetail),
        (status = 409, description = "Several runs have this prefix", body = Problem, content_type = "application/problem+json"),
        ReadErrors))]
pub async fn show_run(context: ApiContext, PathParam(id): PathParam<String>) -> Result<Json<RunDetail>, Problem> {
    let journal = &context.state.journal;
    let run = journal.runs().find(&id).await?;
    let plan = journal.plans().of_run(&run.id).await?;
    let (events, next) = page_of(journal.runs().events(&run.id, 0, PAGE_SIZE + 1).await?, PAGE_SIZE, |event| event.id);
    Ok(Json(RunDetail {
        run: RunView::of(&run),
        findings: plan.as_ref().map(|plan| plan.findings.iter().map(FindingView::of).collect()).unwrap_or_default(),
        plan: plan.as_ref().map(PlanView::of),
        events: events.iter().map(EventView::of).collect(),
        next,
    }))
}

/// Events of a run, the oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Events {
    /// The events of this page.
    events: Vec<EventView>,
    /// The next page's `after`; none on the last page.
    next: Option<i64>,
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct EventsQuery {
    /// Later than this number: the `next` of the previous page.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    after: Option<PageCursor>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// A run's events, the oldest first
#[utoipa::path(get, path = "/runs/{run}/events", tag = "runs", params(("run" = String, Path), EventsQuery),
    responses((status = 200, body = Events),
        (status = 409, description = "Several runs have this prefix", body = Problem, content_type = "application/problem+json"),
        ReadErrors))]
pub async fn list_events(
    context: ApiContext,
    PathParam(id): PathParam<String>,
    QueryParams(query): QueryParams<EventsQuery>,
) -> Result<Json<Events>, Problem> {
    let limit = page_size(query.limit)?;
    let journal = &context.state.journal;
    let run = journal.runs().find(&id).await?;
    let after = query.after.map_or(0, |key| key.0);
    let (events, next) = page_of(journal.runs().events(&run.id, after, limit + 1).await?, limit, |event| event.id);
    Ok(Json(Events { events: events.iter().map(EventView::of).collect(), next }))
}
