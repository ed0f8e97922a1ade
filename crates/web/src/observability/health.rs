//! Whether the process lives, and whether it can serve. Neither tells anything about anybody, so neither needs a token.

use crate::WebState;
use crate::api::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// A journal that takes longer to say a word is as good as away.
const PATIENCE: Duration = Duration::from_secs(3);

/// The process lives: whoever restarts it looks here.
pub async fn lives() -> Json<Value> {
    Json(json!({ "lives": true, "version": env!("CARGO_PKG_VERSION") }))
}

/// It can serve: whoever sends people here looks first.
pub async fn is_ready(State(state): State<WebState>) -> Result<Json<Value>, Problem> {
    let not_ready = |why: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, why);
    if state.stop.is_cancelled() {
        return Err(not_ready("it is stopping"));
    }
    match tokio::time::timeout(PATIENCE, state.journal.check_ready()).await {
        Ok(Ok(())) => Ok(Json(json!({ "ready": true }))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            Err(not_ready("the journal cannot be used; the log tells why"))
        }
        Err(_) => {
            tracing::warn!("not ready: the journal does not answer");
            Err(not_ready("the journal does not answer"))
        }
    }
}
