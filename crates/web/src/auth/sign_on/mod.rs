//! Single sign-on with OpenID Connect: off to the issuer, back with a code, and in with the role that the issuer's claim gives.
//!
//! The code is bound to this browser (state), this attempt (nonce) and this server (PKCE). Who has no value that gives a role
//! does not get in. The issuer is reached by a function that the state is given: this module opens no connection itself.
//! Next: `issuer`, what is asked of it and believed.

mod issuer;
mod token;

pub use issuer::{Answered, Asked, Fetch, FetchError, Fetching, Issuer};

use issuer::Sent;

use super::Cookie;
use super::login::{admit, local};
use super::secret::is_same;
use crate::WebState;
use crate::incident::Failure;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the issuer sends people back to.
pub const RETURN_PATH: &str = "/login/sign-on/back";
/// Somebody who takes longer begins again.
const LASTS: Duration = Duration::from_secs(600);

/// The way there, and the way back.
pub fn routes() -> Router<WebState> {
    Router::new().route("/login/sign-on", get(begin)).route(RETURN_PATH, get(come_back))
}

/// A sign-on that is under way, in a cookie that only this browser has.
#[derive(Debug, Deserialize, Serialize)]
struct UnderWay {
    state: String,
    nonce: String,
    verifier: String,
    to: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    to: String,
}

async fn begin(State(state): State<WebState>, Query(wanted): Query<Wanted>) -> Result<Response, Failure> {
    let issuer = issuer_of(&state)?;
    let Sent { url, state: bound, nonce, verifier } = issuer.send().await.map_err(Failure::incident)?;
    let under_way = UnderWay { state: bound, nonce, verifier, to: local(&wanted.to) };
    let cookie = serde_json::to_string(&under_way).map_err(Failure::incident)?;
    Ok((AppendHeaders([Cookie::SignOn.set(&cookie, Some(LASTS), state.secure)]), Redirect::to(&url)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Back {
    code: String,
    state: String,
    error: String,
}

async fn come_back(
    State(state): State<WebState>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let issuer = issuer_of(&state)?;
    let under_way = Cookie::SignOn.read(&headers, state.secure);
    let under_way = under_way.and_then(|text| serde_json::from_str::<UnderWay>(&text).ok());
    let Some(under_way) = under_way.filter(|known| is_same(&known.state, &back.state)) else {
        return Err(Failure::Refused(
            "This sign-on was not begun in this browser, or too long ago: begin again".into(),
        ));
    };
    if back.code.is_empty() {
        tracing::info!(error = back.error, "the issuer of single sign-on refused");
        return Err(Failure::Refused("The issuer did not let you in".into()));
    }
    let now = state.clock.now();
    let person =
        issuer.learn(&back.code, &under_way.nonce, &under_way.verifier, now).await.map_err(Failure::incident)?;
    let Some(role) = person.role else {
        return Err(Failure::Refused("Your account there gives you no role here: ask an administrator".into()));
    };
    let account = state.journal.accounts().from_single_sign_on(&person.subject, &person.name, role, now).await?;
    if account.disabled.is_some() {
        return Err(Failure::Refused("Your account is disabled".into()));
    }
    let mut answer = admit(&state, &account.name, &under_way.to).await?;
    let (name, value) = Cookie::SignOn.clear(state.secure);
    answer.headers_mut().append(name, value);
    Ok(answer)
}

fn issuer_of(state: &WebState) -> Result<&Issuer, Failure> {
    state.issuer.as_deref().ok_or_else(|| Failure::NotFound("single sign-on here".to_owned()))
}
