//! Who asks, and whether they may: one gate before every page and every act.
//!
//! An act must also bring the token of its form, which follows from the session's secret and is found nowhere else.

use super::headers::FORM_BYTES_MAX;
use super::secret::{derive, hash_secret, is_same};
use super::{Cookie, Permission, may};
use crate::WebState;
use crate::incident::Failure;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rollbook_journal::JournalError;
use rollbook_settings::service::RoleName;

const FORM_PURPOSE: &str = "form";

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct AuthUser {
    /// Their account.
    pub name: String,
    /// What they may do.
    pub role: RoleName,
    /// The token of their forms.
    pub csrf: String,
    /// What their session is kept under.
    pub session: String,
    /// Since when they are logged in.
    pub since: Timestamp,
}

impl AuthUser {
    /// Whether they may do something.
    pub fn may(&self, permission: Permission) -> bool {
        may(self.role, permission)
    }
}

/// What a gate asks for.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The state.
    pub state: WebState,
    /// What one must be allowed to.
    pub permission: Permission,
}

/// Lets a request through whose sender is logged in, may do this, and, where it acts, brings the token of the form.
pub async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let visitor = match find_user(&gate.state, request.headers()).await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return send_to_login(&request),
        Err(error) => return Failure::from(error).into_response(),
    };
    if !visitor.may(gate.permission) {
        return Failure::Forbidden { least: gate.permission.least() }.into_response();
    }
    let mut request = request;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        request = match with_token(request, &visitor.csrf).await {
            Ok(request) => request,
            Err(failure) => return failure.into_response(),
        };
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// Who a request's cookie is.
pub async fn find_user(state: &WebState, headers: &HeaderMap) -> Result<Option<AuthUser>, JournalError> {
    let Some(secret) = Cookie::Session.read(headers, state.secure) else { return Ok(None) };
    let session = hash_secret(&secret);
    let now = state.clock.now();
    let idle = SignedDuration::try_from(state.settings.server.session_idle).unwrap_or(SignedDuration::MAX);
    let idle_since = now.checked_sub(idle).unwrap_or(Timestamp::MIN);
    let found = state.journal.sessions().find(&session, idle_since, now).await?;
    Ok(found.map(|found| AuthUser {
        name: found.account.name,
        role: found.account.role,
        csrf: form_token(&secret),
        session,
        since: found.made,
    }))
}

/// The token of the forms that belong to a secret.
pub(super) fn form_token(secret: &str) -> String {
    derive(secret, FORM_PURPOSE)
}

/// Gives the request back if its form has the token.
pub(super) async fn with_token(request: Request, token: &str) -> Result<Request, Failure> {
    let (parts, body) = request.into_parts();
    let form = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| Failure::TooLarge)?;
    if !brings(&form, token) {
        return Err(Failure::ForeignForm);
    }
    Ok(Request::from_parts(parts, Body::from(form)))
}

fn brings(form: &Bytes, token: &str) -> bool {
    form_urlencoded::parse(form).any(|(name, value)| name == "csrf" && is_same(&value, token))
}

/// Sends somebody to the login, and back to where they wanted to go.
fn send_to_login(request: &Request) -> Response {
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

fn login_path(wanted: &Uri) -> String {
    let wanted = wanted.path_and_query().map_or("/", |path| path.as_str());
    if wanted == "/" {
        "/login".to_owned()
    } else {
        format!("/login?to={}", utf8_percent_encode(wanted, NON_ALPHANUMERIC))
    }
}
