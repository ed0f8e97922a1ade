//! Single sign-on with OpenID Connect: off to the issuer, back with a code, and in with the role that the issuer's claim gives.
//!
//! The code is bound to this browser (state), this attempt (nonce) and this server (PKCE). Whoever has no value that gives a role
//! does not get in. The issuer is reached by a function that the state is given: this module opens no connection itself.
//! docs/decisions/0004-single-sign-on-by-ring.md says why no crate does this. Reading order: `issuer`, then `id_token`.

pub mod id_token;
pub mod issuer;

pub use issuer::{Fetch, FetchError, Fetching, HttpRequest, HttpResponse};

use super::cookie::Cookie;
use super::login::{local_path, open_session};
use super::secrets::is_same;
use super::state::AuthState;
use crate::page_error::PageError;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use issuer::{AuthorizationRequest, Issuer, IssuerError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the issuer sends people back to. It is registered there, so it stays.
pub const RETURN_PATH: &str = "/login/sign-on/back";
/// Whoever takes longer starts again.
const LIFETIME: Duration = Duration::from_secs(600);

pub fn routes() -> Router<AuthState> {
    Router::new().route("/login/sign-on", get(begin)).route(RETURN_PATH, get(callback))
}

/// A sign-on that is under way, in a cookie that only this browser has.
#[derive(Debug, Deserialize, Serialize)]
struct PendingSignOn {
    state: String,
    nonce: String,
    verifier: String,
    to: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SignOnQuery {
    to: String,
}

async fn begin(State(state): State<AuthState>, Query(query): Query<SignOnQuery>) -> Result<Response, PageError> {
    let issuer = issuer_of(&state)?;
    let request = issuer.authorization_request(state.clock.now()).await.map_err(refused)?;
    let AuthorizationRequest { url, state: bound, nonce, verifier } = request;
    let pending = PendingSignOn { state: bound, nonce, verifier, to: local_path(&query.to) };
    let cookie = serde_json::to_string(&pending).map_err(PageError::incident)?;
    let cookie = Cookie::SignOn.set(&cookie, Some(LIFETIME), state.is_secure);
    Ok((AppendHeaders([cookie]), Redirect::to(&url)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CallbackQuery {
    code: String,
    state: String,
    error: String,
}

async fn callback(
    State(state): State<AuthState>,
    Query(query): Query<CallbackQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let issuer = issuer_of(&state)?;
    let pending = Cookie::SignOn.read(&headers, state.is_secure);
    let pending = pending.and_then(|text| serde_json::from_str::<PendingSignOn>(&text).ok());
    let Some(pending) = pending.filter(|known| is_same(&known.state, &query.state)) else {
        return Err(PageError::SignInRefused(
            "This sign-in was not started in this browser, or it has expired. Start again".into(),
        ));
    };
    if query.code.is_empty() {
        tracing::info!(error = query.error, "the issuer of single sign-on refused a sign-in");
        return Err(PageError::SignInRefused("The identity provider refused the sign-in".into()));
    }
    let now = state.clock.now();
    let identity = issuer.exchange_code(&query.code, &pending.nonce, &pending.verifier, now).await.map_err(refused)?;
    let Some(role) = identity.role else {
        return Err(PageError::SignInRefused(
            "Your account there gives you no role in Rollbook. Ask an administrator for one".into(),
        ));
    };
    let account = state.journal.accounts().from_single_sign_on(&identity.subject, &identity.name, role, now).await?;
    if account.disabled.is_some() {
        return Err(PageError::SignInRefused("Your account is disabled".into()));
    }
    let mut answer = open_session(&state, &account.name, &pending.to).await?;
    let (name, value) = Cookie::SignOn.clear(state.is_secure);
    answer.headers_mut().append(name, value);
    Ok(answer)
}

/// What the issuer answered is refused with its reason; that it did not answer is a fault of the set-up.
fn refused(error: IssuerError) -> PageError {
    match error {
        IssuerError::IdToken(reason) => {
            tracing::warn!(%reason, "an id token was refused");
            PageError::SignInRefused(format!("The identity provider's token is not valid: {reason}"))
        }
        IssuerError::AccountName(reason) => {
            PageError::SignInRefused(format!("The identity provider gives no usable account name: {reason}"))
        }
        IssuerError::Answer { what: "token", why } => {
            tracing::warn!(why, "the issuer gave no token for a code");
            PageError::SignInRefused("The identity provider did not accept this sign-in. Start again".to_owned())
        }
        other => PageError::incident(other),
    }
}

fn issuer_of(state: &AuthState) -> Result<&Issuer, PageError> {
    state.issuer.as_deref().ok_or_else(|| PageError::NotFound("single sign-on here".to_owned()))
}
