//! Requests to the process, and their results.

use super::{page_of, page_size};
use crate::api::context::ApiContext;
use crate::api::document::ReadErrors;
use crate::api::extractors::{PageCursor, PathParam, QueryParams};
use crate::api::problem::Problem;
use crate::auth::permissions::Permission;
use axum::Json;
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Request, RequestFilter, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A request to the process, and its result.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// Its number.
    id: i64,
    /// The action: `run_link`, `apply_plan`, `attend`, `sync_member` and so on.
    kind: &'static str,
    /// About which link.
    link: Option<String>,
    /// `waiting`, `running`, `done` or `failed`.
    state: &'static str,
    /// Whether it is finished.
    finished: bool,
    /// Who asked.
    asked_by: String,
    /// When.
    asked_at: Timestamp,
    /// When it was finished.
    finished_at: Option<Timestamp>,
    /// The node that executes it.
    node: Option<String>,
    /// The action with its parameters.
    #[schema(value_type = Object)]
    ask: Value,
    /// The result, once it is finished: a run's numbers, or a failure's `words` and `remedy`.
    #[schema(value_type = Option<Object>)]
    answer: Option<Value>,
}

impl RequestView {
    fn of(request: &Request) -> Self {
        Self {
            id: request.id.0,
            kind: request.job.kind(),
            link: request.job.link().map(ToString::to_string),
            state: request.state.as_str(),
            finished: request.state.is_finished(),
            asked_by: request.asked_by.clone(),
            asked_at: request.asked,
            finished_at: request.finished,
            node: request.node.clone(),
            ask: plain(&request.job),
            answer: request.answer.as_ref().map(plain),
        }
    }
}

fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("requests and their answers are plain data")
}

/// Requests, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Requests {
    /// The requests of this page.
    requests: Vec<RequestView>,
    /// The next page's `before`; none on the last page.
    next: Option<i64>,
}

/// Which requests.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct RequestsQuery {
    /// About this link only.
    link: Option<String>,
    /// Unfinished ones only.
    open: bool,
    /// Older than this number: the `next` of the previous page.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    before: Option<PageCursor>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Requests, the newest first
#[utoipa::path(get, path = "/requests", tag = "requests", params(RequestsQuery),
    responses((status = 200, body = Requests), ReadErrors))]
pub async fn list_requests(
    context: ApiContext,
    QueryParams(query): QueryParams<RequestsQuery>,
) -> Result<Json<Requests>, Problem> {
    let RequestsQuery { link, open, before, limit } = query;
    let limit = page_size(limit)?;
    let filter = RequestFilter {
        link: link.map(LinkName::new),
        open,
        before: before.map(|key| RequestId(key.0)),
        ..RequestFilter::default()
    };
    let (rows, next) = page_of(context.state.journal.requests().list(&filter, limit + 1).await?, limit, |row| row.id.0);
    Ok(Json(Requests { requests: rows.iter().map(RequestView::of).collect(), next }))
}

/// One request: its state and result. Every token may read its own
#[utoipa::path(get, path = "/requests/{request}", tag = "requests", params(("request" = i64, Path)),
    responses((status = 200, body = RequestView), ReadErrors))]
pub async fn show_request(context: ApiContext, PathParam(id): PathParam<i64>) -> Result<Json<RequestView>, Problem> {
    let found = context.state.journal.requests().find(RequestId(id)).await?;
    // A token that reads nothing else still reads what it submitted itself.
    let found = found.filter(|found| context.may(Permission::View) || found.asked_by == context.author);
    let found = found.ok_or_else(|| Problem::not_found(format!("request {id}")))?;
    Ok(Json(RequestView::of(&found)))
}
