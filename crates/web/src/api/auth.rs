//! Who asks: a program, with `Authorization: Bearer rbk_…`. A cookie opens nothing here, so no other site's page can act in
//! somebody's name.

use super::problem::Problem;
use crate::WebState;
use crate::auth::{Permission, Scope, hash_secret};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rollbook_journal::requests::{Job, RequestFilter, RequestId, RequestState};
use serde::Serialize;
use utoipa::ToSchema;

/// What every token begins with.
const PREFIX: &str = "rbk_";
/// Digits after that.
const DIGITS: usize = 64;
/// Requests that are looked through for one of the same kind.
const OPEN_MAX: u32 = 100;

/// A program whose token holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The token's number.
    pub token: i64,
    /// What the token is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// What a gate asks for.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The state.
    pub state: WebState,
    /// What the token must allow.
    pub permission: Permission,
}

/// Lets a request through whose token holds, allows this, and has not asked too much.
pub async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    match admit(&gate, request.headers()).await {
        Ok(program) => {
            request.extensions_mut().insert(program);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(Gate { state, permission }: &Gate, headers: &HeaderMap) -> Result<Program, Problem> {
    let program = find_program(state, headers).await?.ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "a token that holds is needed, as `Authorization: Bearer rbk_…`")
    })?;
    let now = state.clock.now();
    if !state.pace.take(program.token, state.settings.server.api_rate, now) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "this token has asked too much within a minute"));
    }
    if !program.scopes.iter().any(|scope| scope.may(*permission)) {
        let needed: Vec<&str> =
            Scope::ALL.into_iter().filter(|scope| scope.may(*permission)).map(Scope::as_str).collect();
        let detail = format!("this token lacks the scope {}", needed.join(" or "));
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(program)
}

/// Whose token a request brings; `None` where it brings none that holds.
pub async fn find_program(state: &WebState, headers: &HeaderMap) -> Result<Option<Program>, Problem> {
    let Some(secret) = bearer(headers) else { return Ok(None) };
    let found = state.journal.tokens().find(&hash_secret(secret), state.clock.now()).await?;
    Ok(found.map(|row| Program {
        token: row.id,
        scopes: row.scope.split_whitespace().filter_map(Scope::read).collect(),
        name: row.name,
    }))
}

/// The token, where it has the form of one: anything else costs no look into the journal.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let digits = token.strip_prefix(PREFIX)?;
    let fits = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (scheme.eq_ignore_ascii_case("bearer") && fits).then_some(token)
}

/// Who asks, for a route behind a gate.
pub struct Asker {
    /// The state.
    pub state: WebState,
    /// Who: the author of what is done.
    pub by: String,
    /// The moment of the request.
    pub now: Timestamp,
}

impl FromRequestParts<WebState> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let program = parts.extensions.get::<Program>();
        let program =
            program.ok_or_else(|| Problem::incident(&std::io::Error::other("a route of the API has no gate")))?;
        // No token shall pass for a person of its name.
        let by = format!("token {}", program.name);
        Ok(Self { state: state.clone(), by, now: state.clock.now() })
    }
}

/// What was asked of the process.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// The request's number.
    pub request: i64,
    /// Where to look what became of it.
    #[schema(example = "/api/v1/requests/12")]
    pub look: String,
}

impl Accepted {
    /// For a request.
    pub fn of(id: RequestId) -> Self {
        Self { request: id.0, look: format!("/api/v1/requests/{id}") }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let look = HeaderValue::from_str(&self.look).ok();
        let mut answer = (StatusCode::ACCEPTED, axum::Json(self)).into_response();
        if let Some(look) = look {
            answer.headers_mut().insert(header::LOCATION, look);
        }
        answer
    }
}

impl Asker {
    /// Puts a request and wakes the process. Where this program's same wish still waits, that one is given instead: a
    /// scheduler in a loop piles nothing up.
    pub async fn put(&self, ask: &Job) -> Result<Accepted, Problem> {
        let journal = &self.state.journal;
        let filter = RequestFilter {
            link: ask.link().cloned(),
            kind: Some(ask.kind().to_owned()),
            asked_by: Some(self.by.clone()),
            open: true,
            ..RequestFilter::default()
        };
        let open = journal.requests().list(&filter, OPEN_MAX).await?;
        let same = open.iter().find(|request| request.state == RequestState::Waiting && request.job == *ask);
        let id = match same {
            Some(request) => request.id,
            None => journal.requests().put(ask, &self.by, self.now).await?,
        };
        self.state.wake.notify_one();
        Ok(Accepted::of(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
