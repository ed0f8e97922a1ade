//! Errors as a program reads them: `application/problem+json` (RFC 9457).

use super::rate_limit::WINDOW_SECONDS;
use crate::incident;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollbook_journal::JournalError;
use serde::Serialize;
use std::any::Any;
use std::error::Error;
use utoipa::ToSchema;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "about:blank")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong with this request.
    pub detail: String,
    /// An internal error's id, by which the log has the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub incident: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: detail.into(),
            incident: None,
        }
    }

    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }

    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, what)
    }

    /// A fault of ours: the cause is for the log.
    pub fn incident(cause: &(dyn Error + 'static)) -> Self {
        let incident = Some(incident::record(cause));
        let detail = "internal error; the log has the cause under this incident";
        Self { incident, ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::NotFound { what } => Self::not_found(what),
            JournalError::Conflict { what } => Self::new(StatusCode::CONFLICT, what),
            JournalError::Unavailable(_) | JournalError::Full(_) => {
                let incident = Some(incident::record(&error));
                let detail = "the journal is not available; nothing was changed";
                Self { incident, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
            }
            other => Self::incident(&other),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).expect("a problem is plain data");
        let mut answer = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        match status {
            StatusCode::UNAUTHORIZED => {
                let value = HeaderValue::from_static("Bearer realm=\"rollbook\"");
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(WINDOW_SECONDS));
            }
            _ => {}
        }
        answer
    }
}

/// The answer after a panic.
pub fn panicked(_what: Box<dyn Any + Send + 'static>) -> Response<Body> {
    Problem::incident(&std::io::Error::other("a panic; its message precedes this line in the log")).into_response()
}

/// The answer at an unknown address.
pub async fn not_found() -> Problem {
    Problem::not_found("such address in this API")
}

/// The answer to a method that an address does not support.
pub async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not support that method")
}

/// An error that a layer around the routes made becomes a problem of its status.
pub async fn as_problem(answer: Response) -> Response {
    let is_ours = |kind: &HeaderValue| kind.as_bytes().starts_with(MEDIA_TYPE.as_bytes());
    let status = answer.status();
    let is_wrong = status.is_client_error() || status.is_server_error();
    if !is_wrong || answer.headers().get(header::CONTENT_TYPE).is_some_and(is_ours) {
        return answer;
    }
    let mut problem =
        Problem::new(status, status.canonical_reason().unwrap_or_default().to_lowercase()).into_response();
    if let Some(allow) = answer.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allow.clone());
    }
    problem
}
