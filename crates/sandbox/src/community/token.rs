//! OAuth2 client credentials as simple_oauth grants them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Asked;
use super::account::Caller;
use super::rights::Rights;
use super::state::{Community, Consumer, SERVICE_ROLE, uuid};
use crate::server::{Reply, form};

/// An access token.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    uid: i64,
    has_role: bool,
    expires: Timestamp,
}

pub(super) fn issue(community: &mut Community, asked: &Asked, now: Timestamp) -> Reply {
    if asked.parts.method != "POST" {
        return Reply::error_page(405);
    }
    let body = String::from_utf8_lossy(&asked.body).into_owned();
    let fields: BTreeMap<String, String> = form::text_pairs(&body).collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        return refusal(400, "unsupported_grant_type", "The authorization grant type is not supported");
    }
    let header = asked.header("authorization").and_then(form::basic);
    let (id, secret) = header.unwrap_or_else(|| (field("client_id").to_owned(), field("client_secret").to_owned()));
    let mut consumers = community.consumers.iter();
    let Some(consumer) = consumers.find(|consumer| consumer.id == id && consumer.secret == secret).cloned() else {
        return refusal(401, "invalid_client", "Client authentication failed");
    };
    let scope = field("scope");
    if !["", SERVICE_ROLE].contains(&scope) {
        return refusal(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed");
    }
    let has_role = consumer.has_role || scope == SERVICE_ROLE;
    let access_token = sign(community, &consumer, has_role, now);
    let expires = now + SignedDuration::from_secs(community.token_seconds);
    // Issued for a blocked account as well: only its use fails.
    community.issued.insert(access_token.clone(), Issued { uid: consumer.uid, has_role, expires });
    let body = json!({"token_type": "Bearer", "expires_in": community.token_seconds, "access_token": access_token});
    Reply::json(200, body.to_string().into_bytes())
}

fn refusal(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description, "message": description});
    Reply::json(status, body.to_string().into_bytes())
}

/// Shaped like a JWT; the signature means nothing, the server remembers its tokens.
fn sign(community: &Community, consumer: &Consumer, has_role: bool, now: Timestamp) -> String {
    let number = community.issued.len() as i64;
    let begins = now.as_millisecond() as f64 / 1000.0;
    let scopes = if has_role { json!([SERVICE_ROLE]) } else { json!([]) };
    let header = json!({"typ": "JWT", "alg": "RS256"});
    let claims = json!({
        "aud": consumer.id, "jti": uuid(9, number), "iat": begins, "nbf": begins,
        "exp": begins + community.token_seconds as f64, "sub": consumer.uid.to_string(), "scope": scopes,
    });
    let part = |text: String| form::base64_url(text.as_bytes());
    format!("{}.{}.{}", part(header.to_string()), part(claims.to_string()), part(uuid(8, number)))
}

/// Unlike a wrong password, a bad token is refused, and in HTML.
pub(super) fn caller(community: &Community, text: &str, now: Timestamp) -> Result<Caller, Reply> {
    let refused = || {
        Reply::html(
            401,
            "<html><body>The resource owner or authorization server denied the request</body></html>".to_owned(),
        )
    };
    let issued = community.issued.get(text).filter(|issued| issued.expires > now).ok_or_else(refused)?;
    let account = community.accounts.get(&issued.uid).filter(|account| account.active).ok_or_else(refused)?;
    let rights = if issued.has_role { account.rights } else { Rights::default() };
    Ok(Caller { account: Some(account.uid), rights, tried: true })
}
