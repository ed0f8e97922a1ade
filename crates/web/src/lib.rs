//! What people and other systems reach over HTTP: pages, acts, pushed events. It reads and writes the journal, and never calls
//! a remote system itself: a button writes a request that the process carries out.
//!
//! Every page works without a script. Next: [`door`], who may come in, then `pages`, then [`api`] for programs, [`events`], which
//! systems push, `concurrency` for how many at once, and `watch` for those who look after it.

pub mod api;
mod assets;
pub mod auth;
mod concurrency_limit;
pub mod events;
mod incident;
mod layout;
mod observability;
mod pages;
mod state;

pub use pages::{RouteSpec, route_specs};
pub use state::WebState;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;

/// Everything that is served. Where the connection is known, pass it on with `into_make_service_with_connect_info`.
pub fn router(state: WebState) -> Router {
    let assets = Router::new().route("/assets/{name}", get(assets::give));
    let pages = pages::routes(&state).merge(auth::routes()).with_state(state.clone());
    let pages = auth::wrap(pages.merge(assets).fallback(incident::not_found), &state);
    pages.merge(api::routes(&state)).merge(observability::routes(&state)).layer(from_fn(observability::count_requests))
}
