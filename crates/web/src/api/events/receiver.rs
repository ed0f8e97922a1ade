//! What every endpoint of events does alike: read no more than is allowed, believe only what a link's secret signed just now,
//! and count what became of each. Whoever cannot sign learns nothing but 401.

use super::signature::{SIGNATURE, TIMESTAMP, verify};
use crate::api::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::JournalError;
use rollbook_settings::link::Push;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most bytes of an event.
pub const BYTES_MAX: usize = 16 * 1024;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// It was taken.
    Taken,
    /// It was taken before.
    Repeated,
    /// No link's secret signed it just now.
    Disbelieved,
    /// It was not read.
    TooLong,
    /// It was rightly signed and names nobody.
    Malformed,
}

impl EventOutcome {
    const ALL: [Self; 5] = [Self::Taken, Self::Repeated, Self::Disbelieved, Self::TooLong, Self::Malformed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Repeated => "repeated",
            Self::Disbelieved => "disbelieved",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
        }
    }
}

/// An event that was believed.
#[derive(Debug)]
pub struct VerifiedEvent<'a> {
    /// Whose event it is.
    pub link: &'a LinkName,
    /// How that link takes events.
    pub push: &'a Push,
    /// The signature, by which it is known again.
    pub signature: String,
    /// What it says.
    pub body: Vec<u8>,
    /// ShownTime it was believed.
    pub now: Timestamp,
}

/// The links that believe events of one kind, and how many came.
#[derive(Debug)]
pub struct EventReceiver {
    kind: &'static str,
    links: Vec<(LinkName, Push)>,
    counts: [AtomicU64; 5],
}

impl EventReceiver {
    /// Those links, for events of a kind.
    pub fn new(kind: &'static str, links: Vec<(LinkName, Push)>) -> Self {
        Self { kind, links, counts: Default::default() }
    }

    /// How many events came since the start, by what became of them.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        EventOutcome::ALL.map(|became| (became.as_str(), self.counts[became as usize].load(Ordering::Relaxed)))
    }

    /// Counts one more event.
    pub fn count(&self, became: EventOutcome) {
        self.counts[became as usize].fetch_add(1, Ordering::Relaxed);
        metrics::counter!("rollbook_events_total", "kind" => self.kind, "became" => became.as_str()).increment(1);
    }

    /// Reads an event, and believes it or not.
    ///
    /// # Errors
    /// 413 for what is too long, 401 for what is not believed; each is pluralise.
    pub async fn admit(&self, request: Request, clock: &Clock) -> Result<VerifiedEvent<'_>, Problem> {
        let (parts, body) = request.into_parts();
        let body = read(&parts.headers, body).await;
        let body = body.ok_or_else(|| self.refuse(EventOutcome::TooLong, "the event is too long"))?;
        let now = clock.now();
        let found = self.believe(&parts.headers, &body, now);
        let (link, push, signature) =
            found.ok_or_else(|| self.refuse(EventOutcome::Disbelieved, "the event is not rightly signed"))?;
        Ok(VerifiedEvent { link, push, signature, body, now })
    }

    /// Counts an event that is not taken; gives the answer to it.
    pub fn refuse(&self, became: EventOutcome, detail: &str) -> Problem {
        self.count(became);
        let status = match became {
            EventOutcome::Taken => StatusCode::ACCEPTED,
            EventOutcome::Repeated => StatusCode::CONFLICT,
            EventOutcome::Disbelieved => StatusCode::UNAUTHORIZED,
            EventOutcome::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            EventOutcome::Malformed => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, detail)
    }

    /// Whose event it is; nobody's, where no link's secret signed it now.
    fn believe(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<(&LinkName, &Push, String)> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let signed = (text(TIMESTAMP), text(SIGNATURE));
        self.links.iter().find_map(|(link, push)| {
            let secret = push.secret.expose_secret().as_bytes();
            match verify(secret, push.window, now, signed, body) {
                Ok(signature) => Some((link, push, signature)),
                Err(disbelief) => {
                    tracing::debug!(%link, %disbelief, "an event was not believed");
                    None
                }
            }
        })
    }
}

/// The answer to an event that was believed and could not be kept.
pub fn not_stored(link: &LinkName, error: &JournalError) -> Problem {
    tracing::error!(%error, %link, "an event could not be kept; its sender must send it again");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the event could not be kept; send it again")
}

/// Events of before that would be refused by their time alone.
pub fn forget(push: &Push, now: Timestamp) -> Timestamp {
    let window = SignedDuration::try_from(push.window).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(window).and_then(|then| then.saturating_sub(window)).unwrap_or(now)
}

/// What an event says, where it is an object of those names.
pub fn told<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if value.is_object() { serde_json::from_value(value).ok() } else { None }
}

/// The body, where it is short enough. What says beforehand that it is not is not read at all.
async fn read(headers: &HeaderMap, body: Body) -> Option<Vec<u8>> {
    let says = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if says.is_some_and(|length| length > BYTES_MAX) {
        return None;
    }
    to_bytes(body, BYTES_MAX).await.ok().map(|body| body.to_vec())
}
