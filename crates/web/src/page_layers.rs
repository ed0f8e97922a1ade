//! What surrounds every page: limits, the refusal of other sites' forms, and the headers that tell a browser what it may do.

use crate::WebState;
use crate::auth::cookie::Cookie;
use crate::limits::{ANSWER_TIMEOUT, BODY_BYTES_MAX, BODY_TIMEOUT, BodyError, ConcurrencyLimit, read_body};
use crate::page_error::{self, PageError};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

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

/// Adds them. The login and the assets take no turn: they must answer while everybody is queued.
pub fn add(router: Router, state: &WebState, takes_turn: bool) -> Router {
    let is_secure = state.is_secure;
    let mut router = router
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(same_site(state))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIMEOUT));
    if takes_turn {
        // Outside of the time-out: a request that is queued is not given up.
        router = router.layer(middleware::from_fn_with_state(state.turns.clone(), take_turn));
    }
    router
        .layer(middleware::from_fn(buffer_body))
        .layer(CatchPanicLayer::custom(page_error::panicked))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(move |request: Request, next: Next| add_headers(request, next, is_secure)))
}

async fn take_turn(State(turns): State<Arc<ConcurrencyLimit>>, request: Request, next: Next) -> Response {
    match turns.turn().await {
        Some(_turn) => next.run(request).await,
        None => PageError::Overloaded.into_response(),
    }
}

async fn buffer_body(request: Request, next: Next) -> Response {
    match read_body(request, BODY_BYTES_MAX, BODY_TIMEOUT).await {
        Ok(request) => next.run(request).await,
        Err(BodyError::TooLarge) => PageError::TooLarge.into_response(),
        Err(BodyError::TooSlow) => PageError::TooSlow.into_response(),
    }
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

async fn add_headers(request: Request, next: Next, is_secure: bool) -> Response {
    let shows_flash = request.method() == Method::GET
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
    if shows_flash && is_page {
        let (name, value) = Cookie::Flash.clear(is_secure);
        headers.append(name, value);
    }
    answer
}
