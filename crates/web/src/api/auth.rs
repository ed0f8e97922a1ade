//! Tokens: `Authorization: Bearer rbk_…`. A cookie opens nothing here, so no other site's page can act in somebody's name.

use super::context::ApiState;
use super::problem::Problem;
use crate::auth::permissions::{Permission, Scope};
use crate::auth::secrets::hash_secret;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rollbook_journal::{Journal, JournalError};

/// What every token begins with.
const PREFIX: &str = "rbk_";
const DIGITS: usize = 64;

/// A program whose token is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: i64,
    /// What the token is for.
    pub name: String,
    pub scopes: Vec<Scope>,
}

impl ApiToken {
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.iter().any(|scope| scope.may(permission))
    }

    /// The author of what it does: no token passes for a person of its name.
    pub fn author(&self) -> String {
        format!("token {}", self.name)
    }
}

/// What a route requires.
#[derive(Clone, Debug)]
pub struct RouteGuard {
    pub state: ApiState,
    pub permission: Permission,
}

/// Lets a request through whose token is valid, allows this, and is within its rate.
pub async fn guard(State(required): State<RouteGuard>, mut request: Request, next: Next) -> Response {
    match authorise(&required, request.headers()).await {
        Ok(token) => {
            request.extensions_mut().insert(token);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn authorise(RouteGuard { state, permission }: &RouteGuard, headers: &HeaderMap) -> Result<ApiToken, Problem> {
    let now = state.clock.now();
    let token = find_token(&state.journal, headers, now).await?.ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "a valid token is required: `Authorization: Bearer rbk_…`")
    })?;
    if !state.rate_limit.allow(token.id, state.settings.server.api_rate, now) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "this token has exceeded its requests per minute"));
    }
    if !token.may(*permission) {
        let needed: Vec<&str> =
            Scope::ALL.into_iter().filter(|scope| scope.may(*permission)).map(Scope::as_str).collect();
        let detail = format!("this token lacks the scope {}", needed.join(" or "));
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(token)
}

/// The token that a request brings; `None` where it brings none that is valid.
pub async fn find_token(
    journal: &Journal,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Option<ApiToken>, JournalError> {
    let Some(secret) = bearer(headers) else { return Ok(None) };
    let found = journal.tokens().find(&hash_secret(secret), now).await?;
    Ok(found.map(|row| ApiToken {
        id: row.id,
        scopes: row.scope.split_whitespace().filter_map(Scope::parse).collect(),
        name: row.name,
    }))
}

/// The token, where it has the form of one: anything else costs no look into the journal.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let digits = token.strip_prefix(PREFIX)?;
    let is_token = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_what_has_the_form_of_a_token_is_looked_for() {
        let token = format!("rbk_{}", "0f".repeat(32));
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read(&format!("Bearer {token}")).as_deref(), Some(token.as_str()));
        assert_eq!(read(&format!("bearer  {token} ")).as_deref(), Some(token.as_str()));
        let none = [
            token.clone(),
            "Bearer".into(),
            "Bearer rbk_".into(),
            format!("Basic {token}"),
            format!("Bearer {token}0"),
        ];
        assert!(none.iter().all(|value| read(value).is_none()));
    }
}
