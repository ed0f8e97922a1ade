//! What a route of the API is given, and how it asks the process for something.

use super::auth::ApiToken;
use super::problem::Problem;
use super::rate_limit::RateLimit;
use crate::auth::permissions::Permission;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_journal::Journal;
use rollbook_journal::requests::{Job, RequestFilter, RequestId, RequestState};
use rollbook_settings::Settings;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Notify;
use utoipa::ToSchema;

/// Open requests that are searched for one of the same kind.
const OPEN_MAX: u32 = 100;

/// What the API needs of the server's state.
#[derive(Clone, Debug)]
pub struct ApiState {
    pub journal: Journal,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    pub wake: Arc<Notify>,
    pub rate_limit: Arc<RateLimit>,
}

/// Who calls, for a route behind a guard.
pub struct ApiContext {
    pub state: ApiState,
    pub token: ApiToken,
    /// The author of what is done.
    pub author: String,
    /// The moment of the request.
    pub now: Timestamp,
}

impl<S: Send + Sync> FromRequestParts<S> for ApiContext
where
    ApiState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = ApiState::from_ref(state);
        let token = parts.extensions.get::<ApiToken>().cloned();
        let token =
            token.ok_or_else(|| Problem::incident(&std::io::Error::other("a route of the API has no guard")))?;
        let now = state.clock.now();
        Ok(Self { author: token.author(), state, token, now })
    }
}

/// A request to the process.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// The request's number.
    pub request: i64,
    /// Where to poll for its result.
    #[schema(example = "/api/v1/requests/12")]
    pub look: String,
}

impl Accepted {
    pub fn of(id: RequestId) -> Self {
        Self { request: id.0, look: format!("/api/v1/requests/{id}") }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&self.look).ok();
        let mut answer = (StatusCode::ACCEPTED, axum::Json(self)).into_response();
        if let Some(location) = location {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        answer
    }
}

impl ApiContext {
    pub fn may(&self, permission: Permission) -> bool {
        self.token.may(permission)
    }

    /// Submits a request and wakes the process. Where the same request of this token still waits, that one is given instead: a
    /// scheduler in a loop piles nothing up.
    pub async fn submit(&self, job: &Job) -> Result<Accepted, Problem> {
        let journal = &self.state.journal;
        let filter = RequestFilter {
            link: job.link().cloned(),
            kind: Some(job.kind().to_owned()),
            asked_by: Some(self.author.clone()),
            open: true,
            ..RequestFilter::default()
        };
        let open = journal.requests().list(&filter, OPEN_MAX).await?;
        let same = open.iter().find(|request| request.state == RequestState::Waiting && request.job == *job);
        let id = match same {
            Some(request) => request.id,
            None => journal.requests().put(job, &self.author, self.now).await?,
        };
        self.state.wake.notify_one();
        Ok(Accepted::of(id))
    }
}
