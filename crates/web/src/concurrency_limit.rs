//! How many are served at once: few, so that the concurrency waits here and not for the journal's connections. Whoever reads a page
//! must never keep a run from saying that it lives.
//!
//! What needs no journal, or must answer while everybody waits, is let through: assets, the login, the signs of life.

use super::WebState;
use super::api::Problem;
use super::incident::PageError;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};

/// So many may wait; more would be a flood, and are sent away.
const WAITING_MAX: usize = 2_000;
const FREE: [&str; 3] = ["/assets/", "/login", "/logout"];

/// Those who are served, and those who wait.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    turns: Semaphore,
    waiting: AtomicUsize,
}

impl ConcurrencyLimit {
    /// For a journal of so many connections: half of them are for those who look, the others for the work.
    pub fn of(connections: u32) -> Self {
        let turns = usize::try_from(connections / 2).unwrap_or(1).max(1);
        Self { turns: Semaphore::new(turns), waiting: AtomicUsize::new(0) }
    }

    /// NextTry until it is one's turn; `None` where too many wait already. Whoever goes away waits no more.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let _place = Place::take(&self.waiting)?;
        self.turns.acquire().await.ok()
    }
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a request when it is its turn.
pub async fn wait_turn(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if FREE.iter().any(|free| path.starts_with(free)) {
        return next.run(request).await;
    }
    let is_program = path.starts_with("/api/");
    match state.concurrency.turn().await {
        Some(_turn) => next.run(request).await,
        None if is_program => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once").into_response(),
        None => PageError::Overloaded.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn crowd_waits_for_its_turn_and_who_goes_away_holds_no_place() {
        let concurrency = ConcurrencyLimit::of(3);
        let first = concurrency.turn().now_or_never().flatten();
        assert!(first.is_some());
        let waiting = || concurrency.waiting.load(Ordering::Relaxed);
        {
            let mut second = Box::pin(concurrency.turn());
            assert!(second.as_mut().now_or_never().is_none(), "it waits");
            assert_eq!(waiting(), 1);
        }
        assert_eq!(waiting(), 0, "it went away");
        drop(first);
        assert!(concurrency.turn().now_or_never().flatten().is_some());
        concurrency.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert!(concurrency.turn().await.is_none(), "a flood is sent away");
        assert_eq!(waiting(), WAITING_MAX);
    }
}
