//! How Rollbook is monitored: whether it lives, whether it can serve, and its metrics.
//!
//! Reading order: `metrics`, what the journal knows and what this process counted, then `requests`, which counts requests.

mod access;
mod exposition;
mod metrics;
pub mod recorder;
mod requests;

pub use requests::count_requests;

use crate::WebState;
use crate::api::problem::Problem;
use crate::api::with_limits;
use crate::limits::ConcurrencyLimit;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use recorder::Recorder;
use rollbook_clock::Clock;
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What monitoring needs of the server's state.
#[derive(Clone, Debug)]
pub struct ObservabilityState {
    pub journal: Journal,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    pub stop: CancellationToken,
    pub turns: Arc<ConcurrencyLimit>,
    pub recorder: Recorder,
}

/// A page that takes longer for its turn or from the journal is as good as none.
const PATIENCE: Duration = Duration::from_secs(3);

/// `/healthz`, `/readyz` and `/metrics`.
pub fn routes(state: &WebState) -> Router {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::show_metrics));
    with_limits(router.with_state(ObservabilityState::from_ref(state)))
}

/// The process lives: whoever restarts it looks here. Neither this nor `/readyz` says anything about anybody.
async fn healthz() -> Json<Value> {
    Json(json!({ "lives": true, "version": env!("CARGO_PKG_VERSION") }))
}

/// It can serve a page now, in the time that people wait: a turn is free and the journal answers.
async fn readyz(State(state): State<ObservabilityState>) -> Result<Json<Value>, Problem> {
    let not_ready = |why: &str| {
        tracing::warn!(why, "not ready");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)
    };
    if state.stop.is_cancelled() {
        return Err(not_ready("the process is stopping"));
    }
    let Ok(Some(_turn)) = tokio::time::timeout(PATIENCE, state.turns.turn()).await else {
        return Err(not_ready("too many requests are queued"));
    };
    match tokio::time::timeout(PATIENCE, state.journal.check_ready()).await {
        Ok(Ok(())) => Ok(Json(json!({ "ready": true }))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the journal is not available");
            Err(not_ready("the journal is not available; the log has the cause"))
        }
        Err(_) => Err(not_ready("the journal does not answer")),
    }
}
