//! Counts the requests of people and programs, by the route that took them: an address that somebody makes up is no label.

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use rollbook_clock::Timer;
use tracing::Instrument;

/// Counts a request and how long its answer took.
pub async fn count_requests(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_word(request.method());
    let span = tracing::info_span!("http", otel.name = format!("{method} {route}"), method, route, status = 0_u16);
    let timer = Timer::start();
    let answer = next.run(request).instrument(span.clone()).await;
    let status = answer.status();
    span.record("status", status.as_u16());
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.as_u16().to_string())];
    metrics::counter!("rollbook_http_requests_total", &labels).increment(1);
    metrics::histogram!("rollbook_http_request_duration_seconds", &labels[..2]).record(timer.elapsed());
    answer
}

/// The method, where it is one that anything here takes.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}
