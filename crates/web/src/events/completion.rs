//! `POST /api/v1/events/completion`: somebody completed a course, says a Moodle. The event only wakes a check of that person
//! and course.
//!
//! Whoever cannot sign learns nothing but 401. What is refused leaves no trace but a count.

use super::gate::{Became, Believed, Believers, forget, not_kept, told};
use super::signature::{self, SIGNATURE, TIMESTAMP};
use crate::api::{Events, Problem, Whole};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rollbook_clock::Clock;
use rollbook_core::model::{LinkName, MoodleCourseId, MoodleUserId};
use rollbook_journal::{Journal, PushedEvent, Received};
use rollbook_settings::Settings;
use rollbook_settings::link::Push;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Notify;
use utoipa::ToSchema;

pub use super::gate::BYTES_MAX;

/// The path that the router gives to [`take_completion`].
pub const PATH: &str = "/api/v1/events/completion";

/// What stands behind the endpoint.
#[derive(Debug)]
pub struct CompletionGate {
    journal: Journal,
    clock: Clock,
    believers: Believers,
    wake: Arc<Notify>,
}

impl CompletionGate {
    /// A gate for every completions link that takes pushed events. `wake` is rung after each that was taken.
    pub fn new(settings: &Settings, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let links =
            settings.completions().filter_map(|found| Some((found.link.name.clone(), found.link.push.clone()?)));
        Self::of(links.collect(), journal, clock, wake)
    }

    /// A gate for these links.
    pub fn of(links: Vec<(LinkName, Push)>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        Self { journal, clock, believers: Believers::new("completion", links), wake }
    }

    /// How many events came since the start, by what became of them.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        self.believers.counts()
    }
}

/// Who completed what. Moodle's own event names the learner `relateduserid`, and that is understood, too.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CompletionEvent {
    /// The Moodle account.
    #[schema(value_type = i64)]
    #[serde(alias = "userid", alias = "relateduserid")]
    user_id: Whole,
    /// The Moodle course.
    #[schema(value_type = i64)]
    #[serde(alias = "courseid")]
    course_id: Whole,
}

/// What was taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TakenEvent {
    /// Always true.
    taken: bool,
}

/// Somebody completed a course: look at that person and course within seconds
#[utoipa::path(post, path = "/events/completion", tag = "events", security(("signature" = [])),
    request_body = CompletionEvent,
    responses((status = 202, description = "Received; the check was asked for", body = TakenEvent), Events))]
pub async fn take_completion(State(gate): State<Arc<CompletionGate>>, request: Request) -> Response {
    take(&gate, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn take(gate: &CompletionGate, request: Request) -> Result<Response, Problem> {
    let Believed { link, push, signature, body, now } = gate.believers.admit(request, &gate.clock).await?;
    let CompletionEvent { user_id, course_id } = told(&body).ok_or_else(|| {
        gate.believers.refuse(Became::Malformed, "user_id and course_id are needed, as whole numbers")
    })?;
    let event = PushedEvent { signature, user: MoodleUserId(user_id.0), course: MoodleCourseId(course_id.0) };
    match gate.journal.completions().accept_event(link, &event, forget(push, now), now).await {
        Ok(Received::New) => {
            gate.believers.count(Became::Taken);
            gate.wake.notify_one();
            Ok((StatusCode::ACCEPTED, Json(TakenEvent { taken: true })).into_response())
        }
        Ok(Received::Duplicate) => Err(gate.believers.refuse(Became::Repeated, "the event was taken before")),
        Err(error) => Err(not_kept(link, &error)),
    }
}

/// The headers of an event, as a sender makes them.
pub fn sign(secret: &[u8], seconds: i64, body: &[u8]) -> [(&'static str, String); 2] {
    [(TIMESTAMP, seconds.to_string()), (SIGNATURE, signature::sign(secret, seconds, body))]
}
