//! The login: by password, by a link that works once, and out again.

use super::cookie::Cookie;
use super::secrets::{hash_secret, make_secret};
use super::state::AuthState;
use super::throttle::{Attempt, Verification, address_of};
use super::user::{find_user, form_token, require_form_token};
use crate::assets::{self, AssetPaths};
use crate::limits::BODY_BYTES_MAX;
use crate::page_error::PageError;
use askama::Template;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::HashMap;

const WRONG: &str = "The name or the password is wrong.";
const MUST_WAIT: &str = "Too many failed attempts. Wait 15 minutes, then try again.";
const LINK_EXPIRED: &str = "This login link has been used or has expired. Ask an administrator for a new one.";

#[derive(Template)]
#[template(path = "pages/login.html")]
struct LoginPage {
    assets: AssetPaths,
    csrf: String,
    to: String,
    name: String,
    error: &'static str,
    has_sign_on: bool,
}

#[derive(Debug, Default, Deserialize)]
struct LoginQuery {
    #[serde(default)]
    to: String,
}

pub fn routes() -> Router<AuthState> {
    Router::new()
        .route("/login", get(show).post(log_in))
        .route("/login/link/{secret}", get(show_link).post(use_link))
        .route("/logout", post(log_out))
}

async fn show(State(state): State<AuthState>, Query(query): Query<LoginQuery>, headers: HeaderMap) -> Response {
    match find_user(&state, &headers).await {
        Ok(Some(_)) => Redirect::to(&local_path(&query.to)).into_response(),
        Ok(None) => login_page(&state, &headers, query.to, String::new(), ""),
        Err(error) => PageError::from(error).into_response(),
    }
}

/// The form, with a token of its own: no foreign page logs anybody in as somebody else.
fn login_page(state: &AuthState, headers: &HeaderMap, to: String, name: String, error: &'static str) -> Response {
    let attempt = login_attempt(state, headers);
    let page = LoginPage {
        assets: assets::paths(),
        csrf: form_token(&attempt),
        to: local_path(&to),
        name,
        error,
        has_sign_on: state.issuer.is_some(),
    };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    match page.render() {
        Ok(html) => {
            let cookie = Cookie::LoginAttempt.set(&attempt, None, state.is_secure);
            (status, AppendHeaders([cookie]), Html(html)).into_response()
        }
        Err(error) => PageError::from(error).into_response(),
    }
}

fn login_attempt(state: &AuthState, headers: &HeaderMap) -> String {
    let known = Cookie::LoginAttempt.read(headers, state.is_secure);
    known.filter(|attempt| attempt.len() == 64).unwrap_or_else(make_secret)
}

async fn log_in(State(state): State<AuthState>, request: Request) -> Result<Response, PageError> {
    let address = address_of(&state, &request);
    let (headers, fields) = match read_form(&state, request).await {
        Ok(form) => form,
        Err((PageError::InvalidCsrfToken, headers)) => return already_logged_in(&state, &headers).await,
        Err((error, _)) => return Err(error),
    };
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let (name, to) = (field("name"), field("to"));
    let account = state.journal.accounts().find(&name).await?.filter(|account| account.disabled.is_none());
    let hash = account.as_ref().and_then(|account| account.password.clone());
    let attempt = Attempt::new(&name, address);
    match (attempt.verify(&state, field("password"), hash, state.clock.now()).await?, account) {
        (Verification::Right, Some(account)) => open_session(&state, &account.name, &to).await,
        (Verification::MustWait, _) => Ok(login_page(&state, &headers, to, name, MUST_WAIT)),
        (Verification::Wrong | Verification::Right, _) => Ok(login_page(&state, &headers, to, name, WRONG)),
    }
}

/// A second tab's form is out of date once the first one has logged in: it leads in, too.
async fn already_logged_in(state: &AuthState, headers: &HeaderMap) -> Result<Response, PageError> {
    match find_user(state, headers).await? {
        Some(_) => Ok(Redirect::to("/").into_response()),
        None => Err(PageError::InvalidCsrfToken),
    }
}

/// The form of a request that came from our login page.
async fn read_form(
    state: &AuthState,
    request: Request,
) -> Result<(HeaderMap, HashMap<String, String>), (PageError, HeaderMap)> {
    let headers = request.headers().clone();
    let read = async {
        let attempt = Cookie::LoginAttempt.read(&headers, state.is_secure).ok_or(PageError::InvalidCsrfToken)?;
        let request = require_form_token(request, &form_token(&attempt)).await?;
        let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| PageError::TooLarge)?;
        Ok(form_urlencoded::parse(&body).into_owned().collect())
    };
    match read.await {
        Ok(fields) => Ok((headers, fields)),
        Err(error) => Err((error, headers)),
    }
}

/// Opens a session and sends its owner to where they wanted to go.
pub(super) async fn open_session(state: &AuthState, account: &str, to: &str) -> Result<Response, PageError> {
    let secret = make_secret();
    let lifetime = state.settings.server.session;
    let now = state.clock.now();
    let expires = now.checked_add(SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX)).unwrap_or(now);
    state.journal.sessions().open(account, &hash_secret(&secret), expires, now).await?;
    let cookies =
        [Cookie::Session.set(&secret, Some(lifetime), state.is_secure), Cookie::LoginAttempt.clear(state.is_secure)];
    Ok((AppendHeaders(cookies), Redirect::to(&local_path(to))).into_response())
}

#[derive(Template)]
#[template(path = "pages/login_link.html")]
struct LinkPage {
    assets: AssetPaths,
    csrf: String,
    path: String,
}

/// A click, not a look, uses the link up: mail programs open links before people do.
async fn show_link(State(state): State<AuthState>, Path(secret): Path<String>, headers: HeaderMap) -> Response {
    let attempt = login_attempt(&state, &headers);
    let path = format!("/login/link/{}", secret.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
    let page = LinkPage { assets: assets::paths(), csrf: form_token(&attempt), path };
    match page.render() {
        Ok(html) => {
            let cookie = Cookie::LoginAttempt.set(&attempt, None, state.is_secure);
            (AppendHeaders([cookie]), Html(html)).into_response()
        }
        Err(error) => PageError::from(error).into_response(),
    }
}

async fn use_link(
    State(state): State<AuthState>,
    Path(secret): Path<String>,
    request: Request,
) -> Result<Response, PageError> {
    let (headers, _) = read_form(&state, request).await.map_err(|(error, _)| error)?;
    match state.journal.accounts().use_login_link(&hash_secret(&secret), state.clock.now()).await? {
        Some(account) => open_session(&state, &account.name, "/").await,
        None => Ok(login_page(&state, &headers, String::new(), String::new(), LINK_EXPIRED)),
    }
}

async fn log_out(State(state): State<AuthState>, request: Request) -> Result<Response, PageError> {
    if let Some(user) = find_user(&state, request.headers()).await? {
        require_form_token(request, &user.csrf).await?;
        state.journal.sessions().close(&user.session).await?;
    }
    Ok((AppendHeaders([Cookie::Session.clear(state.is_secure)]), Redirect::to("/login")).into_response())
}

/// A path of this site, whatever was asked for: our login sends nobody elsewhere.
pub fn local_path(to: &str) -> String {
    let is_local = to.starts_with('/')
        && !to.starts_with("//")
        && !to.starts_with("/login")
        && !to.contains('\\')
        && to.chars().all(|letter| letter.is_ascii_graphic());
    if is_local { to.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_sends_nobody_elsewhere() {
        assert_eq!(local_path("/log?q=a%20b"), "/log?q=a%20b");
        for to in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "javascript:x", "/login/link/1"]
        {
            assert_eq!(local_path(to), "/", "{to}");
        }
    }
}
