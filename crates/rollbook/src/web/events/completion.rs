//! `POST /api/v1/events/completion`: somebody completed a course, says a Moodle. The event only wakes a check of that person
//! and course.
//!
//! Whoever cannot sign learns nothing but 401. What is refused leaves no trace but a count.

use super::signature::{self, SIGNATURE, TIMESTAMP, verify};
use crate::clock::Clock;
use crate::config::Settings;
use crate::config::link::Push;
use crate::journal::{Journal, PushedEvent, Taken};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use rollbook_core::model::{LinkName, MoodleCourseId, MoodleUserId};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// Most bytes of an event.
pub const BYTES_MAX: usize = 16 * 1024;

/// The path that the router gives to [`take_completion`].
pub const PATH: &str = "/api/v1/events/completion";

/// What stands behind the endpoint.
#[derive(Debug)]
pub struct CompletionGate {
    journal: Journal,
    clock: Clock,
    links: Vec<(LinkName, Push)>,
    counts: Counts,
    wake: Arc<Notify>,
}

/// How many events came, by what became of them.
#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    repeated: AtomicU64,
    disbelieved: AtomicU64,
    too_long: AtomicU64,
    malformed: AtomicU64,
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
        Self { journal, clock, links, counts: Counts::default(), wake }
    }

    /// How many events came since the start, by what became of them.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        let Counts { taken, repeated, disbelieved, too_long, malformed } = &self.counts;
        let all = [
            ("taken", taken),
            ("repeated", repeated),
            ("disbelieved", disbelieved),
            ("too_long", too_long),
            ("malformed", malformed),
        ];
        all.map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }

    /// Whose event it is; nobody's, where no link's secret signed it now.
    fn believe(&self, headers: &HeaderMap, body: &[u8]) -> Option<(&LinkName, &Push, String)> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let signed = (text(TIMESTAMP), text(SIGNATURE));
        self.links.iter().find_map(|(link, push)| {
            let secret = push.secret.expose_secret().as_bytes();
            match verify(secret, push.window, self.clock.now(), signed, body) {
                Ok(signature) => Some((link, push, signature)),
                Err(disbelief) => {
                    tracing::debug!(%link, %disbelief, "an event was not believed");
                    None
                }
            }
        })
    }
}

/// What an event says. Moodle's own event names the learner `relateduserid`.
#[derive(Debug, Deserialize)]
struct Told {
    #[serde(alias = "userid", alias = "relateduserid")]
    user_id: i64,
    #[serde(alias = "courseid")]
    course_id: i64,
}

/// Takes one event: 202; 401 for what is not believed, 409 for what was taken before, 413 for what is too long, 400 for what
/// was rightly signed and names nobody.
pub async fn take_completion(State(gate): State<Arc<CompletionGate>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(body) = read(&parts.headers, body).await else {
        gate.counts.too_long.fetch_add(1, Ordering::Relaxed);
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the event is too long");
    };
    let Some((link, push, signature)) = gate.believe(&parts.headers, &body) else {
        gate.counts.disbelieved.fetch_add(1, Ordering::Relaxed);
        return problem(StatusCode::UNAUTHORIZED, "the event is not rightly signed");
    };
    let Ok(Told { user_id, course_id }) = serde_json::from_slice(&body) else {
        gate.counts.malformed.fetch_add(1, Ordering::Relaxed);
        return problem(StatusCode::BAD_REQUEST, "user_id and course_id are needed, as whole numbers");
    };
    let event = PushedEvent { signature, user: MoodleUserId(user_id), course: MoodleCourseId(course_id) };
    let now = gate.clock.now();
    // An event of before that would be refused by its time alone.
    let window = SignedDuration::try_from(push.window).unwrap_or(SignedDuration::MAX);
    let forget = now.saturating_sub(window).and_then(|then| then.saturating_sub(window)).unwrap_or(now);
    match gate.journal.take_pushed(link, &event, forget, now).await {
        Ok(Taken::New) => {
            gate.counts.taken.fetch_add(1, Ordering::Relaxed);
            gate.wake.notify_one();
            (StatusCode::ACCEPTED, Json(json!({"taken": true}))).into_response()
        }
        Ok(Taken::Before) => {
            gate.counts.repeated.fetch_add(1, Ordering::Relaxed);
            problem(StatusCode::CONFLICT, "the event was taken before")
        }
        Err(error) => {
            tracing::error!(%error, %link, "an event could not be kept; its sender must send it again");
            problem(StatusCode::SERVICE_UNAVAILABLE, "the event could not be kept; send it again")
        }
    }
}

/// The body, where it is short enough. What says beforehand that it is not is not read at all.
async fn read(headers: &HeaderMap, body: Body) -> Option<Vec<u8>> {
    let says = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if says.is_some_and(|length| length > BYTES_MAX) {
        return None;
    }
    to_bytes(body, BYTES_MAX).await.ok().map(|body| body.to_vec())
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body: Value = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail});
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, body.to_string()).into_response()
}

/// The headers of an event, as a sender makes them.
pub fn sign(secret: &[u8], seconds: i64, body: &[u8]) -> [(&'static str, String); 2] {
    [(TIMESTAMP, seconds.to_string()), (SIGNATURE, signature::sign(secret, seconds, body))]
}
