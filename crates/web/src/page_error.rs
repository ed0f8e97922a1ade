//! What goes wrong, as a page. The browser learns what it can do about it; of anything else it gets an incident's id, and the
//! log gets the cause.

use super::api::Problem;
use super::assets::{self, AssetPaths};
use super::auth::make_secret;
use askama::Template;
use axum::body::Body;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rollbook_core::report::with_causes;
use rollbook_journal::JournalError;
use rollbook_settings::service::RoleName;
use std::any::Any;
use std::error::Error;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub enum PageError {
    /// There is no such thing.
    NotFound(String),
    /// It is no longer as the sender thinks.
    Conflict(String),
    /// What was sent cannot be taken.
    Invalid(String),
    /// The role is not enough.
    Forbidden {
        /// The least role that is.
        least: RoleName,
    },
    /// Somebody does not get in.
    Refused(String),
    /// The form is no form of this session's pages.
    InvalidCsrfToken,
    /// The form is too long.
    TooLarge,
    /// Too many ask at once.
    Overloaded,
    /// Anything else: the cause is for the log.
    Incident(Box<dyn Error + Send + Sync>),
}

#[derive(Template)]
#[template(path = "pages/failure.html")]
struct FailurePage {
    assets: AssetPaths,
    title: &'static str,
    text: String,
    incident: String,
}

impl PageError {
    /// An incident.
    pub fn incident(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Incident(cause.into())
    }

    fn told(self) -> (StatusCode, &'static str, String, String) {
        let told = |status, title, text: String| (status, title, text, String::new());
        match self {
            Self::NotFound(what) => {
                told(StatusCode::NOT_FOUND, "There is nothing here", format!("There is no {what}."))
            }
            Self::Conflict(what) => {
                let text = format!("{what}. Somebody else may have been quicker: look again.");
                told(StatusCode::CONFLICT, "It is not as this page thought", text)
            }
            Self::Invalid(what) => told(StatusCode::UNPROCESSABLE_ENTITY, "This cannot be taken", format!("{what}.")),
            Self::Forbidden { least } => {
                let text = format!("This needs the role {} or more. An administrator can give it.", least.as_str());
                told(StatusCode::FORBIDDEN, "You may not do this", text)
            }
            Self::Refused(why) => told(StatusCode::FORBIDDEN, "You did not get in", format!("{why}.")),
            Self::InvalidCsrfToken => {
                let text =
                    "The form did not come from a page of this session. Go back, load the page again, and send it \
                    again: nothing was done."
                        .to_owned();
                told(StatusCode::FORBIDDEN, "The form is out of date", text)
            }
            Self::TooLarge => {
                told(StatusCode::PAYLOAD_TOO_LARGE, "The form is too long", "Nothing was done.".to_owned())
            }
            Self::Overloaded => {
                let text = "Nothing was done. Try again in a moment.".to_owned();
                told(StatusCode::SERVICE_UNAVAILABLE, "Too many ask at once", text)
            }
            Self::Incident(cause) => {
                let incident = note(&*cause);
                let text =
                    "Something went wrong here; it is no fault of yours. Nothing may have been done: look before you \
                    try again."
                        .to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", text, incident)
            }
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
        let (status, title, text, incident) = self.told();
        page(status, title, text, incident)
    }
}

fn page(status: StatusCode, title: &'static str, text: String, incident: String) -> Response {
    let page = FailurePage { assets: assets::paths(), title, text, incident };
    match page.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(_) => status.into_response(),
    }
}

/// Writes the cause into the log; gives the id by which it is found there.
pub(super) fn note(cause: &(dyn Error + 'static)) -> String {
    let incident = make_secret()[..10].to_owned();
    tracing::error!(incident, cause = with_causes(cause), "a request could not be answered");
    incident
}

/// What a panic becomes.
pub fn panicked(_what: Box<dyn Any + Send + 'static>) -> Response<Body> {
    PageError::incident("a panic, whose text stands above in the log").into_response()
}

/// The page of an address that is none. A program is told so in its own way.
pub async fn not_found(address: Uri) -> Response {
    if address.path().starts_with("/api/") {
        return Problem::not_found("such address in this API").into_response();
    }
    PageError::NotFound("page of this address".to_owned()).into_response()
}
