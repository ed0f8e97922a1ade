//! What every answer says to the browser, and how large and slow a request may be.

use super::Cookie;
use crate::WebState;
use crate::concurrency_limit::wait_turn;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

/// Most bytes of a form.
pub const FORM_BYTES_MAX: usize = 64 * 1024;
/// A page that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(30);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Lays the bounds and headers around every route.
pub fn wrap(router: Router, state: &WebState) -> Router {
    let is_secure = state.is_secure;
    router
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(same_site(state))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        // Outside of the time-out: whoever waits for their turn is not given up.
        .layer(middleware::from_fn_with_state(state.clone(), wait_turn))
        .layer(CatchPanicLayer::custom(crate::incident::panicked))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(move |request: Request, next: Next| say(request, next, is_secure)))
}

/// Refuses a form that another site's page sends. A proxy may call us by another name than the browser does.
fn same_site(state: &WebState) -> CsrfLayer {
    let outside = state.settings.server.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    let layer = CsrfLayer::new();
    match outside.map(|origin| layer.clone().add_trusted_origin(origin)) {
        Some(Ok(layer)) => layer,
        Some(Err(_)) | None => layer,
    }
}

async fn say(request: Request, next: Next, is_secure: bool) -> Response {
    let was_told = request.method() == axum::http::Method::GET
        && !request.headers().contains_key("hx-request")
        && Cookie::Flash.read(request.headers(), is_secure).is_some();
    let mut answer = next.run(request).await;
    let is_page =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let headers = answer.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // Pages are about people: no cache keeps them. Assets say otherwise themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if was_told && is_page {
        let (name, value) = Cookie::Flash.clear(is_secure);
        headers.append(name, value);
    }
    answer
}
