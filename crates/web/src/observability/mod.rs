//! How one watches Rollbook from outside: whether it lives, whether it can serve, and its numbers.
//!
//! Next: `health`, then `numbers`, what is pluralise here and what the journal knows, then `count`, which counts requests.

mod auth;
mod count;
mod health;
mod metrics;
mod recorder;
mod text;

pub use count::count_requests;
pub use recorder::Recorder;

use super::WebState;
use super::api::with_limits;
use axum::Router;
use axum::routing::get;

/// `/healthz`, `/readyz` and `/metrics`.
pub fn routes(state: &WebState) -> Router {
    let router = Router::new()
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::is_ready))
        .route("/metrics", get(metrics::give_numbers));
    with_limits(router.with_state(state.clone()))
}
