//! What every endpoint of events shares: read a bounded body, verify its signature, take a turn, count the outcome. Whoever cannot
//! sign learns nothing but 401, and takes nobody's turn.

use super::signature::{SIGNATURE, TIMESTAMP, verify};
use crate::api::problem::Problem;
use crate::limits::{BODY_TIMEOUT, BodyError, ConcurrencyLimit, read_body};
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::JournalError;
use rollbook_settings::link::Push;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::SemaphorePermit;

/// Most bytes of an event.
pub const BYTES_MAX: usize = 16 * 1024;

/// The size of a journal of which an endpoint has the connections for itself.
pub const OWN_CONNECTIONS: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    Accepted,
    /// It was accepted before.
    Repeated,
    /// No link's secret signed it within the window.
    Unverified,
    TooLong,
    /// It was rightly signed and names nobody.
    Malformed,
}

impl EventOutcome {
    const ALL: [Self; 5] = [Self::Accepted, Self::Repeated, Self::Unverified, Self::TooLong, Self::Malformed];

    /// The label of the metric: dashboards rely on it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "taken",
            Self::Repeated => "repeated",
            Self::Unverified => "disbelieved",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
        }
    }
}

/// An event whose signature was verified, and the turn to handle it.
#[derive(Debug)]
pub struct VerifiedEvent<'a> {
    pub link: &'a LinkName,
    pub push: &'a Push,
    /// By which it is known again.
    pub signature: String,
    pub body: Vec<u8>,
    pub now: Timestamp,
    pub turn: SemaphorePermit<'a>,
}

/// The links that accept events of one kind, and how many came.
#[derive(Debug)]
pub struct EventReceiver {
    kind: &'static str,
    links: Vec<(LinkName, Push)>,
    counts: [AtomicU64; 5],
    turns: Arc<ConcurrencyLimit>,
}

impl EventReceiver {
    pub fn new(kind: &'static str, links: Vec<(LinkName, Push)>, turns: Arc<ConcurrencyLimit>) -> Self {
        Self { kind, links, counts: Default::default(), turns }
    }

    /// How many events came since the start, by outcome.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        let count = |outcome: EventOutcome| self.counts[outcome as usize].load(Ordering::Relaxed);
        EventOutcome::ALL.map(|outcome| (outcome.as_str(), count(outcome)))
    }

    pub fn count(&self, outcome: EventOutcome) {
        self.counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
        metrics::counter!("rollbook_events_total", "kind" => self.kind, "became" => outcome.as_str()).increment(1);
    }

    /// Reads and verifies an event, then waits for a turn to handle it.
    ///
    /// # Errors
    /// 413, 408, 401 and 503; each but the last is counted.
    pub async fn receive(&self, request: Request, clock: &Clock) -> Result<VerifiedEvent<'_>, Problem> {
        let request = read_body(request, BYTES_MAX, BODY_TIMEOUT).await.map_err(|error| match error {
            BodyError::TooLarge => self.refuse(EventOutcome::TooLong, "the event is too long"),
            BodyError::TooSlow => Problem::new(StatusCode::REQUEST_TIMEOUT, "the event took too long to arrive"),
        })?;
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BYTES_MAX).await;
        let body = body.map_err(|_| self.refuse(EventOutcome::TooLong, "the event is too long"))?.to_vec();
        let now = clock.now();
        let found = self.verify(&parts.headers, &body, now);
        let (link, push, signature) =
            found.ok_or_else(|| self.refuse(EventOutcome::Unverified, "the signature is missing or invalid"))?;
        let turn = self.turns.turn().await;
        let turn = turn.ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are queued"))?;
        Ok(VerifiedEvent { link, push, signature, body, now, turn })
    }

    /// Counts an event that is refused; gives the answer to it.
    pub fn refuse(&self, outcome: EventOutcome, detail: &str) -> Problem {
        self.count(outcome);
        let status = match outcome {
            EventOutcome::Accepted => StatusCode::ACCEPTED,
            EventOutcome::Repeated => StatusCode::CONFLICT,
            EventOutcome::Unverified => StatusCode::UNAUTHORIZED,
            EventOutcome::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            EventOutcome::Malformed => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, detail)
    }

    /// Whose event it is; `None` where no link's secret signed it within the window.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<(&LinkName, &Push, String)> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let signed = (text(TIMESTAMP), text(SIGNATURE));
        self.links.iter().find_map(|(link, push)| {
            let secret = push.secret.expose_secret().as_bytes();
            match verify(secret, push.window, now, signed, body) {
                Ok(signature) => Some((link, push, signature)),
                Err(error) => {
                    tracing::debug!(%link, %error, "the signature of an event was refused");
                    None
                }
            }
        })
    }
}

/// The answer to a verified event that could not be stored.
pub fn not_stored(link: &LinkName, error: &JournalError) -> Problem {
    tracing::error!(%error, %link, "an event could not be stored; its sender must send it again");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the event could not be stored; send it again")
}

/// Older events would be refused by their time alone, so their signatures need not be kept.
pub fn forget_before(push: &Push, now: Timestamp) -> Timestamp {
    let window = SignedDuration::try_from(push.window).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(window).and_then(|then| then.saturating_sub(window)).unwrap_or(now)
}

/// The event, where the body is an object with its fields.
pub fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if value.is_object() { serde_json::from_value(value).ok() } else { None }
}
