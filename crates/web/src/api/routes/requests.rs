//! Requests: what was asked of the process, and what came of it.

use super::runs::{cut, page};
use crate::api::auth::Asker;
use crate::api::document::Reading;
use crate::api::extractors::{Asked, Key, Named};
use crate::api::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Request, RequestFilter, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What was asked of the process, and what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// Its number.
    id: i64,
    /// What was asked: `run_link`, `apply_plan`, `attend`, `sync_member` and so on.
    kind: &'static str,
    /// About which link.
    link: Option<String>,
    /// `waiting`, `running`, `done` or `failed`.
    state: &'static str,
    /// Whether it has its answer.
    finished: bool,
    /// Who asked.
    asked_by: String,
    /// When.
    asked_at: Timestamp,
    /// When it was finished.
    finished_at: Option<Timestamp>,
    /// Who carries it out.
    node: Option<String>,
    /// What was asked, in full.
    #[schema(value_type = Object)]
    ask: Value,
    /// What came of it, once it is finished: of a run its numbers, and of a failure `words` and a `remedy`.
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
    /// The next page's `before`; none where there is no more.
    next: Option<i64>,
}

/// Which requests.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct RequestsWanted {
    /// About this link only.
    link: Option<String>,
    /// Unfinished ones only.
    open: bool,
    /// Older than this number: the `next` of the page before.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    before: Option<Key>,
    /// So many, 50 where nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What was asked of the process, the newest first
#[utoipa::path(get, path = "/requests", tag = "requests", params(RequestsWanted),
    responses((status = 200, body = Requests), Reading))]
pub async fn list_requests(asker: Asker, Asked(wanted): Asked<RequestsWanted>) -> Result<Json<Requests>, Problem> {
    let RequestsWanted { link, open, before, limit } = wanted;
    let limit = page(limit, 500)?;
    let filter = RequestFilter {
        link: link.map(LinkName::new),
        open,
        before: before.map(|key| RequestId(key.0)),
        ..RequestFilter::default()
    };
    let (rows, next) = cut(asker.state.journal.requests().list(&filter, limit + 1).await?, limit, |row| row.id.0);
    Ok(Json(Requests { requests: rows.iter().map(RequestView::of).collect(), next }))
}

/// One request: how it stands, and what came of it
#[utoipa::path(get, path = "/requests/{request}", tag = "requests", params(("request" = i64, Path)),
    responses((status = 200, body = RequestView), Reading))]
pub async fn show_request(asker: Asker, Named(id): Named<i64>) -> Result<Json<RequestView>, Problem> {
    let found = asker.state.journal.requests().find(RequestId(id)).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("request {id}")))?;
    Ok(Json(RequestView::of(&found)))
}
