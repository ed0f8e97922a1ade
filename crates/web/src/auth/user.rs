//! Who is logged in, and whether they may: one check before every page and every action.
//!
//! An action must also bring the token of its form, which follows from the session's secret and is found nowhere else.

use super::cookie::Cookie;
use super::permissions::{Permission, may};
use super::secrets::{derive, hash_secret, is_same};
use super::state::AuthState;
use crate::limits::BODY_BYTES_MAX;
use crate::page_error::PageError;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rollbook_core::model::RoleName;
use rollbook_journal::JournalError;

const FORM_PURPOSE: &str = "form";
/// What a page's script sends with the requests that it makes by itself: they are no sign of life of its reader.
const POLL_HEADER: &str = "x-rollbook-poll";

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct AuthUser {
    pub name: String,
    pub role: RoleName,
    /// The token of their forms.
    pub csrf: String,
    /// The hash that their session is stored under.
    pub session: String,
    pub logged_in_at: Timestamp,
}

impl AuthUser {
    pub fn may(&self, permission: Permission) -> bool {
        may(self.role, permission)
    }
}

/// What a route requires.
#[derive(Clone, Debug)]
pub struct RouteGuard {
    pub state: AuthState,
    pub permission: Permission,
}

/// Lets a request through whose sender is logged in, may do this, and, where it acts, brings the token of the form.
pub async fn guard(State(required): State<RouteGuard>, request: Request, next: Next) -> Response {
    let user = match find_user(&required.state, request.headers()).await {
        Ok(Some(user)) => user,
        Ok(None) => return redirect_to_login(&request),
        Err(error) => return PageError::from(error).into_response(),
    };
    if !user.may(required.permission) {
        return PageError::Forbidden { least: required.permission.least() }.into_response();
    }
    let mut request = request;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        request = match require_form_token(request, &user.csrf).await {
            Ok(request) => request,
            Err(error) => return error.into_response(),
        };
    }
    request.extensions_mut().insert(user);
    next.run(request).await
}

/// Whose session a request's cookie names.
pub async fn find_user(state: &AuthState, headers: &HeaderMap) -> Result<Option<AuthUser>, JournalError> {
    let Some(secret) = Cookie::Session.read(headers, state.is_secure) else { return Ok(None) };
    let session = hash_secret(&secret);
    let now = state.clock.now();
    let idle = SignedDuration::try_from(state.settings.server.session_idle).unwrap_or(SignedDuration::MAX);
    let is_seen = !headers.contains_key(POLL_HEADER);
    let found = state.journal.sessions().find(&session, idle, is_seen, now).await?;
    Ok(found.map(|found| AuthUser {
        name: found.account.name,
        role: found.account.role,
        csrf: form_token(&secret),
        session,
        logged_in_at: found.made,
    }))
}

/// The token of the forms that belong to a secret.
pub(super) fn form_token(secret: &str) -> String {
    derive(secret, FORM_PURPOSE)
}

/// Gives the request back if its form has the token.
pub(super) async fn require_form_token(request: Request, token: &str) -> Result<Request, PageError> {
    let (parts, body) = request.into_parts();
    let form = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| PageError::TooLarge)?;
    if !has_token(&form, token) {
        return Err(PageError::InvalidCsrfToken);
    }
    Ok(Request::from_parts(parts, Body::from(form)))
}

fn has_token(form: &Bytes, token: &str) -> bool {
    form_urlencoded::parse(form).any(|(name, value)| name == "csrf" && is_same(&value, token))
}

/// Sends somebody to the login, and afterwards back to where they wanted to go.
fn redirect_to_login(request: &Request) -> Response {
    let overview = Uri::from_static("/");
    let login = login_path(if request.method() == Method::GET { request.uri() } else { &overview });
    if request.headers().contains_key("hx-request") {
        // A redirect would put the login form into a part of the page.
        let mut answer = StatusCode::UNAUTHORIZED.into_response();
        if let Ok(value) = HeaderValue::from_str(&login) {
            answer.headers_mut().insert("hx-redirect", value);
        }
        return answer;
    }
    let mut answer = Redirect::to(&login).into_response();
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("cookie"));
    answer
}

fn login_path(target: &Uri) -> String {
    let target = target.path_and_query().map_or("/", |path| path.as_str());
    if target == "/" {
        "/login".to_owned()
    } else {
        format!("/login?to={}", utf8_percent_encode(target, NON_ALPHANUMERIC))
    }
}
