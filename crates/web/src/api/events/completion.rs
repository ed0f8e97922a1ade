//! `POST /api/v1/events/completion`: a Moodle says that somebody completed a course; `POST /api/v1/events/moodle`: its companion
//! plugin says what changed there. An event only triggers a check of that person and course. What is refused leaves no trace but a
//! count.

use super::receiver::{
    EventOutcome, EventReceiver, OWN_CONNECTIONS, VerifiedEvent, forget_before, not_stored, parse_object,
};
use super::signature::{self, SIGNATURE, TIMESTAMP};
use crate::api::document::EventErrors;
use crate::api::extractors::Integer;
use crate::api::problem::Problem;
use crate::limits::ConcurrencyLimit;
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

pub use super::receiver::BYTES_MAX;

/// The path of [`receive_completion`].
pub const PATH: &str = "/api/v1/events/completion";

#[derive(Debug)]
pub struct CompletionEvents {
    journal: Journal,
    clock: Clock,
    receiver: EventReceiver,
    wake: Arc<Notify>,
}

impl CompletionEvents {
    /// For every link that accepts pushed events. An event takes one of `turns`, and `wake` is notified after it.
    pub fn new(
        settings: &Settings,
        journal: Journal,
        clock: Clock,
        wake: Arc<Notify>,
        turns: Arc<ConcurrencyLimit>,
    ) -> Self {
        let links =
            settings.completions().filter_map(|found| Some((found.link.name.clone(), found.link.push.clone()?)));
        Self { journal, clock, receiver: EventReceiver::new("completion", links.collect(), turns), wake }
    }

    /// For these links, with turns of its own.
    pub fn of(links: Vec<(LinkName, Push)>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let turns = Arc::new(ConcurrencyLimit::for_connections(OWN_CONNECTIONS));
        Self { journal, clock, receiver: EventReceiver::new("completion", links, turns), wake }
    }

    /// How many events came since the start, by outcome.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        self.receiver.counts()
    }
}

/// Who completed what. Moodle's own event names the learner `relateduserid`, and that is understood, too.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CompletionEvent {
    /// The Moodle account.
    #[schema(value_type = i64)]
    #[serde(alias = "userid", alias = "relateduserid")]
    user_id: Integer,
    /// The Moodle course.
    #[schema(value_type = i64)]
    #[serde(alias = "courseid")]
    course_id: Integer,
}

/// The answer to an accepted event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TakenEvent {
    /// Always true.
    taken: bool,
}

/// Somebody completed a course: check that person and course within seconds
#[utoipa::path(post, path = "/events/completion", tag = "events", security(("signature" = [])),
    request_body = CompletionEvent,
    responses((status = 202, description = "Accepted; the check was requested", body = TakenEvent), EventErrors))]
pub async fn receive_completion(State(events): State<Arc<CompletionEvents>>, request: Request) -> Response {
    accept(&events, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn accept(events: &CompletionEvents, request: Request) -> Result<Response, Problem> {
    let VerifiedEvent { link, push, signature, body, now, turn: _turn } =
        events.receiver.receive(request, &events.clock).await?;
    let CompletionEvent { user_id, course_id } = parse_object(&body).ok_or_else(|| {
        events.receiver.refuse(EventOutcome::Malformed, "user_id and course_id are required, as integers")
    })?;
    let event = PushedEvent { signature, user: MoodleUserId(user_id.0), course: MoodleCourseId(course_id.0) };
    match events.journal.completions().accept_event(link, &event, forget_before(push, now), now).await {
        Ok(Received::New) => {
            events.receiver.count(EventOutcome::Accepted);
            events.wake.notify_one();
            Ok((StatusCode::ACCEPTED, Json(TakenEvent { taken: true })).into_response())
        }
        Ok(Received::Duplicate) => {
            Err(events.receiver.refuse(EventOutcome::Repeated, "this event was accepted before"))
        }
        Err(error) => Err(not_stored(link, &error)),
    }
}

/// Changes in a Moodle, as its companion plugin sends them. Other changes than completions are accepted, and found by the next run.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct MoodleEvent {
    /// In the order in which they came; none where an administrator only tries the connection.
    changes: Vec<MoodleChange>,
}

/// One change.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct MoodleChange {
    /// `completion`, `enrolment`, `account`, `cohort` or `member`.
    kind: String,
    /// The Moodle account.
    #[schema(value_type = Option<i64>)]
    user_id: Option<Integer>,
    /// The Moodle course.
    #[schema(value_type = Option<i64>)]
    course_id: Option<Integer>,
}

/// A Moodle's companion plugin sends at most so many changes at once.
const CHANGES_MAX: usize = 100;

/// Things changed in a Moodle: check the completions among them within seconds
#[utoipa::path(post, path = "/events/moodle", tag = "events", security(("signature" = [])),
    request_body = MoodleEvent,
    responses((status = 202, description = "Accepted; the checks were requested", body = TakenEvent), EventErrors))]
pub async fn receive_moodle(State(events): State<Arc<CompletionEvents>>, request: Request) -> Response {
    accept_moodle(&events, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn accept_moodle(events: &CompletionEvents, request: Request) -> Result<Response, Problem> {
    let VerifiedEvent { link, push, signature, body, now, turn: _turn } =
        events.receiver.receive(request, &events.clock).await?;
    let event = parse_object::<MoodleEvent>(&body).filter(|event| event.changes.len() <= CHANGES_MAX);
    let MoodleEvent { changes } = event.ok_or_else(|| {
        events.receiver.refuse(EventOutcome::Malformed, "`changes` is required: an array of at most 100 changes")
    })?;
    for (place, change) in changes.iter().enumerate().filter(|(_, change)| change.kind == "completion") {
        let (Some(user), Some(course)) = (&change.user_id, &change.course_id) else { continue };
        let signature = format!("{signature}-{place}");
        let event = PushedEvent { signature, user: MoodleUserId(user.0), course: MoodleCourseId(course.0) };
        let accepted = events.journal.completions().accept_event(link, &event, forget_before(push, now), now).await;
        accepted.map_err(|error| not_stored(link, &error))?;
    }
    events.receiver.count(EventOutcome::Accepted);
    events.wake.notify_one();
    Ok((StatusCode::ACCEPTED, Json(TakenEvent { taken: true })).into_response())
}

/// The headers of an event, as a sender makes them.
pub fn sign(secret: &[u8], seconds: i64, body: &[u8]) -> [(&'static str, String); 2] {
    [(TIMESTAMP, seconds.to_string()), (SIGNATURE, signature::sign(secret, seconds, body))]
}
