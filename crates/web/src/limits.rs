//! How much is served at once, and how long and large a request may be. The journal's other connections are left to the runs:
//! whoever reads a page must never keep a run from renewing its lease.
//!
//! A body is read whole before a turn is taken: a slow sender holds memory that is bounded, and nobody's turn.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Most bytes of a form or of a body of JSON.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a sender may take to send a body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take once it is served.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Beyond so many queued requests the answer is 503.
const QUEUED_MAX: usize = 2_000;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It has more bytes than are allowed.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
}

/// The same request with its whole body in memory.
pub async fn read_body(request: Request, bytes_max: usize, within: Duration) -> Result<Request, BodyError> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(BodyError::TooLarge);
    }
    let read = tokio::time::timeout(within, to_bytes(body, bytes_max)).await;
    let body = read.map_err(|_| BodyError::TooSlow)?.map_err(|_| BodyError::TooLarge)?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Requests that are served at once, and those that are queued.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    turns: Semaphore,
    queued: AtomicUsize,
}

impl ConcurrencyLimit {
    /// For a journal of so many connections: half of them are for those who look, the others for the runs.
    pub fn for_connections(connections: u32) -> Self {
        let turns = usize::try_from(connections / 2).unwrap_or(1).max(1);
        Self { turns: Semaphore::new(turns), queued: AtomicUsize::new(0) }
    }

    /// Waits for a turn; `None` where too many are queued already. A caller who goes away is queued no more.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let _place = QueuePlace::take(&self.queued)?;
        self.turns.acquire().await.ok()
    }
}

struct QueuePlace<'a>(&'a AtomicUsize);

impl<'a> QueuePlace<'a> {
    fn take(queued: &'a AtomicUsize) -> Option<Self> {
        let place = Self(queued);
        (queued.fetch_add(1, Ordering::Relaxed) < QUEUED_MAX).then_some(place)
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, stream};
    use std::io;

    #[tokio::test]
    async fn requests_are_queued_and_a_caller_who_goes_away_keeps_no_place() {
        let limit = ConcurrencyLimit::for_connections(3);
        let first = limit.turn().now_or_never().flatten();
        assert!(first.is_some());
        let queued = || limit.queued.load(Ordering::Relaxed);
        {
            let mut second = Box::pin(limit.turn());
            assert!(second.as_mut().now_or_never().is_none(), "it is queued");
            assert_eq!(queued(), 1);
        }
        assert_eq!(queued(), 0, "it went away");
        drop(first);
        assert!(limit.turn().now_or_never().flatten().is_some());
        limit.queued.store(QUEUED_MAX, Ordering::Relaxed);
        assert!(limit.turn().await.is_none(), "beyond the queue it is refused");
        assert_eq!(queued(), QUEUED_MAX);
    }

    #[tokio::test]
    async fn body_that_is_too_large_or_too_slow_is_refused() {
        let request = |body: Body| Request::post("/").body(body).expect("a request");
        let announced = Request::post("/")
            .header(header::CONTENT_LENGTH, "5")
            .body(Body::from_stream(stream::pending::<io::Result<&'static str>>()));
        let read = async |request, max| read_body(request, max, Duration::from_millis(20)).await.map(|_| ());
        assert_eq!(read(announced.expect("a request"), 4).await, Err(BodyError::TooLarge), "without reading it");
        assert_eq!(read(request(Body::from("12345")), 4).await, Err(BodyError::TooLarge));
        assert_eq!(read(request(Body::from("12345")), 5).await, Ok(()));
        let stuck = Body::from_stream(stream::pending::<io::Result<&'static str>>());
        assert_eq!(read(request(stuck), 5).await, Err(BodyError::TooSlow));
    }
}
