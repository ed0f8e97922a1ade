//! Who may read the feed and report completions.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Elm, error};
use crate::server::{HttpRequest, Reply, form};
use crate::{ELM_CLIENT_ID, ELM_CLIENT_SECRET, ELM_PASSWORD, ELM_TOKEN, ELM_USER};

/// What the HR system wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// [`ELM_TOKEN`] in the header `x-cdata-authtoken`.
    Header,
    /// [`ELM_USER`] and [`ELM_PASSWORD`] by Basic authentication.
    Basic,
    /// A bearer token of the token endpoint, by client credentials: [`ELM_CLIENT_ID`], [`ELM_CLIENT_SECRET`].
    OAuth2,
    /// Nothing.
    Open,
}

pub(super) fn check(elm: &Elm, request: &HttpRequest, now: Timestamp) -> Result<(), Reply> {
    let header = request.header("authorization").unwrap_or_default();
    let refused = || error(401, "Unauthorized", "The authentication token is missing or wrong");
    let (fits, challenge) = match elm.auth {
        Auth::Open => (true, ""),
        Auth::Header => (request.header("x-cdata-authtoken") == Some(ELM_TOKEN), ""),
        Auth::Basic => {
            let given = form::basic(header);
            (given == Some((ELM_USER.to_owned(), ELM_PASSWORD.to_owned())), "Basic realm=\"HR\"")
        }
        Auth::OAuth2 => {
            let token = header.strip_prefix("Bearer ").and_then(|text| elm.tokens.get(text));
            (token.is_some_and(|expires| *expires > now), "Bearer error=\"invalid_token\"")
        }
    };
    match (fits, challenge) {
        (true, _) => Ok(()),
        (false, "") => Err(refused()),
        (false, challenge) => Err(refused().with("www-authenticate", challenge)),
    }
}

/// The token endpoint (RFC 6749, section 4.4): credentials in the form or in a Basic header.
pub(super) fn issue(elm: &mut Elm, request: &HttpRequest, now: Timestamp) -> Reply {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let fields: BTreeMap<String, String> = form::text_pairs(&body).collect();
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let refusal = |status, code: &str| Reply::json(status, json!({"error": code}).to_string().into_bytes());
    if request.parts.method != "POST" {
        return Reply::error_page(405);
    }
    if field("grant_type") != "client_credentials" {
        return refusal(400, "unsupported_grant_type");
    }
    let header = request.header("authorization").and_then(form::basic);
    let (id, secret) = header.unwrap_or_else(|| (field("client_id"), field("client_secret")));
    if (id.as_str(), secret.as_str()) != (ELM_CLIENT_ID, ELM_CLIENT_SECRET) {
        return refusal(401, "invalid_client").with("www-authenticate", "Basic realm=\"HR\"");
    }
    let token = format!("sandbox-elm-{}", elm.tokens.len() + 1);
    elm.tokens.insert(token.clone(), now + SignedDuration::from_secs(elm.token_seconds));
    let body = json!({"token_type": "Bearer", "expires_in": elm.token_seconds, "access_token": token});
    Reply::json(200, body.to_string().into_bytes()).with("cache-control", "no-store")
}
