//! `/api/v1`: what a program may read and do, by token. The router and its OpenAPI document are one: a route that is not
//! described does not exist.
//!
//! It reads the journal and writes requests, as the pages do. Reading order: `auth`, then `routes`, then `document`; [`events`]
//! are signed instead.

mod auth;
pub mod context;
mod document;
pub mod events;
pub mod extractors;
pub mod problem;
pub mod rate_limit;
#[expect(unused_qualifications, reason = "utoipa's macros write out the paths of what they are given")]
mod routes;

pub use auth::find_token;

use crate::WebState;
use crate::limits::{ANSWER_TIMEOUT, BODY_BYTES_MAX, BODY_TIMEOUT, BodyError, ConcurrencyLimit, read_body};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use context::ApiState;
use events::{completion, membership};
use problem::Problem;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The API and its document.
pub fn routes(state: &WebState) -> Router {
    let text: Arc<str> = document(state).to_json().expect("the document is plain data").into();
    let (router, _) = described(state).split_for_parts();
    let serve = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) }
    };
    let api = router.route("/openapi.json", get(serve)).fallback(problem::not_found);
    with_limits(Router::new().nest("/api/v1", api))
}

/// Surrounds routes that programs call: whatever goes wrong, the answer is a problem.
pub fn with_limits(router: Router) -> Router {
    router
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(CompressionLayer::new())
        .layer(map_response(problem::as_problem))
        .layer(map_response(add_headers))
}

/// The document of the API.
pub fn document(state: &WebState) -> OpenApi {
    let nested: OpenApiRouter = OpenApiRouter::with_openapi(document::frame()).nest("/api/v1", described(state));
    nested.into_openapi()
}

fn described(state: &WebState) -> OpenApiRouter {
    let completions: OpenApiRouter<Arc<completion::CompletionEvents>> = OpenApiRouter::default()
        .routes(routes!(completion::receive_completion))
        .routes(routes!(completion::receive_moodle));
    let memberships: OpenApiRouter<Arc<membership::MembershipEvents>> = OpenApiRouter::default()
        .routes(routes!(membership::receive_membership))
        .routes(routes!(membership::receive_guild));
    // An event takes its turn itself, once its signature is verified.
    let events = completions
        .with_state(state.completion_events.clone())
        .merge(memberships.with_state(state.membership_events.clone()));
    routes::all(&ApiState::from_ref(state))
        .with_state(ApiState::from_ref(state))
        .layer(from_fn_with_state(state.turns.clone(), take_turn))
        .layer(from_fn(buffer_body))
        .merge(events)
}

async fn buffer_body(request: Request, next: Next) -> Response {
    match read_body(request, BODY_BYTES_MAX, BODY_TIMEOUT).await {
        Ok(request) => next.run(request).await,
        Err(BodyError::TooLarge) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large").into_response()
        }
        Err(BodyError::TooSlow) => {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive").into_response()
        }
    }
}

async fn take_turn(State(turns): State<Arc<ConcurrencyLimit>>, request: Request, next: Next) -> Response {
    let overloaded = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are queued").into_response();
    let Some(_turn) = turns.turn().await else { return overloaded() };
    match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long").into_response(),
    }
}

/// Answers are about people: no cache keeps them, and no browser guesses what they are.
async fn add_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
