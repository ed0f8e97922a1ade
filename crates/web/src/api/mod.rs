//! `/api/v1`: what a program may read and do, by token. The router and its OpenAPI document are one: a route that is not
//! described does not exist.
//!
//! It reads the journal and writes requests, as the pages do. Next: `door`, who may come in, then `routes`, then `document`.

mod auth;
mod document;
mod extractors;
mod problem;
mod rate_limit;
#[expect(unused_qualifications, reason = "utoipa's macros write out the paths of what they are given")]
mod routes;

pub use auth::{Accepted, find_token};
pub use document::Events;
pub use extractors::Integer;
pub use problem::Problem;
pub use rate_limit::RateLimit;

use super::WebState;
use super::concurrency_limit::wait_turn;
use super::events::{completion, membership};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Most bytes of a body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// An answer that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The API and its document.
pub fn routes(state: &WebState) -> Router {
    let text: Arc<str> = document(state).to_json().expect("the document is plain data").into();
    let (router, _) = described(state).split_for_parts();
    let give = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) }
    };
    let api = router.route("/openapi.json", get(give)).fallback(problem::not_found);
    with_limits(Router::new().nest("/api/v1", api)).layer(from_fn_with_state(state.clone(), wait_turn))
}

/// Lays the bounds around routes that programs call: whatever goes wrong, they are told as a problem.
pub fn with_limits(router: Router) -> Router {
    router
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(CompressionLayer::new())
        .layer(map_response(problem::as_problem))
        .layer(map_response(private))
}

/// The document of the API.
pub fn document(state: &WebState) -> OpenApi {
    let nested: OpenApiRouter = OpenApiRouter::with_openapi(document::frame()).nest("/api/v1", described(state));
    nested.into_openapi()
}

fn described(state: &WebState) -> OpenApiRouter {
    let completions: OpenApiRouter<Arc<completion::CompletionEvents>> =
        OpenApiRouter::default().routes(routes!(completion::take_completion));
    let memberships: OpenApiRouter<Arc<membership::MembershipEvents>> =
        OpenApiRouter::default().routes(routes!(membership::take_membership));
    routes::all(state)
        .with_state(state.clone())
        .merge(completions.with_state(state.completion_events.clone()))
        .merge(memberships.with_state(state.membership_events.clone()))
}

/// Answers are about people: no cache keeps them, and no browser guesses what they are.
async fn private(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
