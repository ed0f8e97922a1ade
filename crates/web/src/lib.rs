//! What people and other systems reach over HTTP: pages, actions, the API, pushed events. It reads and writes the journal, and
//! never calls a remote system itself: a button writes a request that the process executes.
//!
//! Every page works without a script. Reading order: [`auth`], then `pages`, then [`api`] for programs, then `limits` and
//! `observability`.

pub mod api;
mod assets;
pub mod auth;
mod incident;
mod layout;
mod limits;
mod observability;
mod page_error;
mod page_layers;
mod pages;
mod state;

pub use api::events;
pub use pages::{RouteSpec, route_specs};
pub use state::WebState;

use api::problem::Problem;
use axum::Router;
use axum::extract::{FromRef, Request};
use axum::http::{StatusCode, Uri, Version, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use page_error::PageError;

/// Everything that is served. Where the connection is known, pass it on with `into_make_service_with_connect_info`.
pub fn router(state: WebState) -> Router {
    let assets = Router::new().route("/assets/{name}", get(assets::serve));
    let login = auth::routes().with_state(auth::AuthState::from_ref(&state));
    let pages = pages::routes(&state).with_state(state.clone());
    let pages = page_layers::add(pages, &state, true);
    let free = page_layers::add(login.merge(assets).fallback(not_found), &state, false);
    free.merge(pages)
        .merge(api::routes(&state))
        .merge(observability::routes(&state))
        .layer(from_fn(require_host))
        .layer(from_fn(observability::count_requests))
}

/// A request names its host once (RFC 9112, 3.2): with two, a proxy and this server could each believe another one.
async fn require_host(request: Request, next: Next) -> Response {
    let named = request.headers().get_all(header::HOST).iter().count();
    let may_lack = request.version() < Version::HTTP_11 || request.uri().host().is_some();
    if named == 1 || (named == 0 && may_lack) {
        return next.run(request).await;
    }
    (StatusCode::BAD_REQUEST, "exactly one Host header is required\n").into_response()
}

/// The answer at an unknown address, in the form that its sender reads.
async fn not_found(address: Uri) -> Response {
    if address.path().starts_with("/api/") {
        return Problem::not_found("such address in this API").into_response();
    }
    PageError::NotFound("page at this address".to_owned()).into_response()
}
