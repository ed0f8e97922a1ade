//! What goes wrong, as a page: what happened, why, and what the reader can do about it.

use crate::assets::{self, AssetPaths};
use crate::incident;
use askama::Template;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollbook_core::model::RoleName;
use rollbook_journal::JournalError;
use std::any::Any;
use std::error::Error;

/// Why a page or an action was refused.
#[derive(Debug)]
pub enum PageError {
    /// What does not exist.
    NotFound(String),
    /// What changed meanwhile.
    Conflict(String),
    /// Why the input is invalid.
    Invalid(String),
    Forbidden {
        least: RoleName,
    },
    SignInRefused(String),
    InvalidCsrfToken,
    TooLarge,
    TooSlow,
    Overloaded,
    /// A fault of ours: the cause is for the log.
    Incident(Box<dyn Error + Send + Sync>),
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    assets: AssetPaths,
    title: &'static str,
    text: String,
    incident: String,
}

impl PageError {
    pub fn incident(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Incident(cause.into())
    }

    fn describe(self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", format!("There is no {what}.")),
            Self::Conflict(what) => (
                StatusCode::CONFLICT,
                "This page is out of date",
                format!("{what}. Somebody else may have changed it: reload the page."),
            ),
            Self::Invalid(what) => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid input", format!("{what}.")),
            Self::Forbidden { least } => (
                StatusCode::FORBIDDEN,
                "Permission denied",
                format!("This requires the role {} or higher. An administrator can assign it.", least.as_str()),
            ),
            Self::SignInRefused(why) => (StatusCode::FORBIDDEN, "Sign-in refused", format!("{why}.")),
            Self::InvalidCsrfToken => (
                StatusCode::FORBIDDEN,
                "This form is out of date",
                "The form does not belong to your current session. Go back, reload the page, and submit it again. \
                    Nothing was changed."
                    .to_owned(),
            ),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "The form is too large", "Nothing was changed.".to_owned())
            }
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "The form took too long to arrive",
                "Nothing was changed. Check your connection and try again.".to_owned(),
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests",
                "Nothing was changed. Try again in a moment.".to_owned(),
            ),
            Self::Incident(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal error",
                "Rollbook could not complete this request. Check whether your change was made before you try again."
                    .to_owned(),
            ),
        }
    }
}

impl From<JournalError> for PageError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::NotFound { what } => Self::NotFound(what),
            JournalError::Conflict { what } => Self::Conflict(what),
            other => Self::incident(other),
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::incident(error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let incident = match &self {
            Self::Incident(cause) => incident::record(&**cause),
            _ => String::new(),
        };
        let (status, title, text) = self.describe();
        match (ErrorPage { assets: assets::paths(), title, text, incident }).render() {
            Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(_) => status.into_response(),
        }
    }
}

/// The answer after a panic.
pub fn panicked(_what: Box<dyn Any + Send + 'static>) -> Response<Body> {
    PageError::incident("a panic; its message precedes this line in the log").into_response()
}
