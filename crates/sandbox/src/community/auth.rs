//! Who is asking. A wrong password is no error: the request goes on as anonymous, and after five of them the right
//! password is wrong as well. OAuth2 tokens come by client credentials, as simple_oauth grants them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::rights::Rights;
use super::state::{Community, Consumer, SERVICE_ROLE, uuid};
use crate::server::{HttpRequest, Reply, form};

/// A failed login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name that was tried, in lower case.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// The account behind a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// `None`: anonymous.
    pub(super) account: Option<i64>,
    pub(super) rights: Rights,
    /// Credentials were sent.
    pub(super) tried: bool,
}

/// Failures of one account after which it is locked, and for how many hours they count.
const ACCOUNT_LIMIT: (usize, i64) = (5, 6);
/// Failures from one address after which it is locked, and for how many hours they count.
const ADDRESS_LIMIT: (usize, i64) = (50, 1);

impl Caller {
    pub(super) fn of(community: &mut Community, request: &HttpRequest, now: Timestamp) -> Result<Self, Reply> {
        let Some(header) = request.header("authorization").map(str::to_owned) else {
            return Ok(Self::default());
        };
        if let Some(text) = header.strip_prefix("Bearer ") {
            return bearer(community, text, now);
        }
        let anonymous = Self { tried: true, ..Self::default() };
        let Some((name, password)) = form::basic(&header) else {
            return Ok(anonymous);
        };
        let key = name.to_lowercase();
        let account = community.account_named(&name);
        let right = account.filter(|account| account.active && account.password.as_deref() == Some(&password));
        let found = right.map(|account| (account.uid, account.rights));
        if flooded(community, &key, now) {
            return Ok(anonymous);
        }
        let Some((uid, rights)) = found else {
            community.failed.push(Login { name: key, at: now });
            return Ok(anonymous);
        };
        community.failed.retain(|login| login.name != key);
        Ok(Self { account: Some(uid), rights, tried: true })
    }
}

fn flooded(community: &Community, name: &str, now: Timestamp) -> bool {
    let since = |hours: i64| now - SignedDuration::from_hours(hours);
    let (account_max, account_hours) = ACCOUNT_LIMIT;
    let (address_max, address_hours) = ADDRESS_LIMIT;
    let by_name = community.failed.iter().filter(|login| login.name == name && login.at > since(account_hours));
    let by_address = community.failed.iter().filter(|login| login.at > since(address_hours));
    by_name.count() >= account_max || by_address.count() >= address_max
}

/// An access token.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    uid: i64,
    has_role: bool,
    expires: Timestamp,
}

pub(super) fn issue(community: &mut Community, request: &HttpRequest, now: Timestamp) -> Reply {
    if request.parts.method != "POST" {
        return Reply::error_page(405);
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let fields: BTreeMap<String, String> = form::text_pairs(&body).collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        return refusal(400, "unsupported_grant_type", "The authorization grant type is not supported");
    }
    let header = request.header("authorization").and_then(form::basic);
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
fn bearer(community: &Community, text: &str, now: Timestamp) -> Result<Caller, Reply> {
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
