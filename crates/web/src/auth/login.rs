//! The login: by password, by a link that works once, and out again.

use super::password::verify_password;
use super::throttle::{Attempt, address_of};
use super::user::{find_user, form_token, with_token};
use super::{Cookie, hash_secret, make_secret};
use crate::WebState;
use crate::assets::{self, AssetPaths};
use crate::incident::Failure;
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

const REFUSED: &str = "The name or the password is wrong.";
const WAIT: &str = "There were too many wrong tries. Wait a quarter of an hour, then try again.";

#[derive(Template)]
#[template(path = "pages/login.html")]
struct LoginPage {
    assets: AssetPaths,
    csrf: String,
    to: String,
    name: String,
    trouble: &'static str,
    single_sign_on: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    to: String,
}

pub fn routes() -> Router<WebState> {
    Router::new()
        .route("/login", get(show).post(log_in))
        .route("/login/link/{secret}", get(show_link).post(use_link))
        .route("/logout", post(log_out))
}

async fn show(State(state): State<WebState>, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Response {
    match find_user(&state, &headers).await {
        Ok(Some(_)) => Redirect::to(&local(&wanted.to)).into_response(),
        Ok(None) => form(&state, &headers, wanted.to, String::new(), ""),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// The form, with a token of its own: nobody shall be logged in as somebody else by a foreign page.
fn form(state: &WebState, headers: &HeaderMap, to: String, name: String, trouble: &'static str) -> Response {
    let visit = visit(state, headers);
    let page = LoginPage {
        assets: assets::paths(),
        csrf: form_token(&visit),
        to: local(&to),
        name,
        trouble,
        single_sign_on: state.has_sign_on(),
    };
    let status = if trouble.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    match page.render() {
        Ok(html) => {
            (status, AppendHeaders([Cookie::LoginAttempt.set(&visit, None, state.secure)]), Html(html)).into_response()
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

fn visit(state: &WebState, headers: &HeaderMap) -> String {
    Cookie::LoginAttempt.read(headers, state.secure).filter(|visit| visit.len() == 64).unwrap_or_else(make_secret)
}

async fn log_in(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let address = address_of(&request);
    let (headers, fields) = read_form(&state, request).await?;
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let (name, to) = (field("name"), field("to"));
    let attempt = Attempt::new(&name, address);
    let now = state.clock.now();
    if attempt.must_wait(&state, now).await? {
        return Ok(form(&state, &headers, to, name, WAIT));
    }
    let account = state.journal.accounts().find(&name).await?.filter(|account| account.disabled.is_none());
    let hashed = account.as_ref().and_then(|account| account.password.clone());
    let fits = verify_password(field("password"), hashed).await;
    match account.filter(|_| fits) {
        Some(account) => {
            attempt.succeeded(&state.journal).await?;
            admit(&state, &account.name, &to).await
        }
        None => {
            attempt.failed(&state.journal, now).await?;
            Ok(form(&state, &headers, to, name, REFUSED))
        }
    }
}

/// The form of a request that came from our login page.
async fn read_form(state: &WebState, request: Request) -> Result<(HeaderMap, HashMap<String, String>), Failure> {
    let visit = Cookie::LoginAttempt.read(request.headers(), state.secure).ok_or(Failure::ForeignForm)?;
    let request = with_token(request, &form_token(&visit)).await?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, super::headers::FORM_BYTES_MAX).await.map_err(|_| Failure::TooLarge)?;
    Ok((parts.headers, form_urlencoded::parse(&body).into_owned().collect()))
}

/// Opens a session and sends its owner to where they wanted to go.
pub(super) async fn admit(state: &WebState, account: &str, to: &str) -> Result<Response, Failure> {
    let secret = make_secret();
    let lasts = state.settings.server.session;
    let now = state.clock.now();
    let lifetime = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
    let expires = now.checked_add(lifetime).unwrap_or(now);
    state.journal.sessions().open(account, &hash_secret(&secret), expires, now).await?;
    let cookies = [Cookie::Session.set(&secret, Some(lasts), state.secure), Cookie::LoginAttempt.clear(state.secure)];
    Ok((AppendHeaders(cookies), Redirect::to(&local(to))).into_response())
}

#[derive(Template)]
#[template(path = "pages/login_link.html")]
struct LinkPage {
    assets: AssetPaths,
    csrf: String,
    path: String,
}

/// A click, not a look, uses the link up: mail programs look at links before people do.
async fn show_link(State(state): State<WebState>, Path(secret): Path<String>, headers: HeaderMap) -> Response {
    let visit = visit(&state, &headers);
    let path = format!("/login/link/{}", secret.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
    let page = LinkPage { assets: assets::paths(), csrf: form_token(&visit), path };
    match page.render() {
        Ok(html) => (AppendHeaders([Cookie::LoginAttempt.set(&visit, None, state.secure)]), Html(html)).into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn use_link(
    State(state): State<WebState>,
    Path(secret): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let (headers, _) = read_form(&state, request).await?;
    match state.journal.accounts().use_login_link(&hash_secret(&secret), state.clock.now()).await? {
        Some(account) => admit(&state, &account.name, "/").await,
        None => Ok(form(&state, &headers, String::new(), String::new(), "This link was used already, or is too old.")),
    }
}

async fn log_out(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    if let Some(visitor) = find_user(&state, request.headers()).await? {
        with_token(request, &visitor.csrf).await?;
        state.journal.sessions().close(&visitor.session).await?;
    }
    Ok((AppendHeaders([Cookie::Session.clear(state.secure)]), Redirect::to("/login")).into_response())
}

/// A path of this site, whatever was asked for: nobody is sent elsewhere by our login.
pub fn local(to: &str) -> String {
    let fine = to.starts_with('/')
        && !to.starts_with("//")
        && !to.starts_with("/login")
        && !to.contains('\\')
        && to.chars().all(|letter| letter.is_ascii_graphic());
    if fine { to.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_sends_nobody_elsewhere() {
        assert_eq!(local("/log?q=a%20b"), "/log?q=a%20b");
        for to in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "javascript:x", "/login/link/1"]
        {
            assert_eq!(local(to), "/", "{to}");
        }
    }
}
