//! What a request to a page brings. What cannot be parsed gets our own error page instead of the framework's text.

use crate::page_error::PageError;
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The variable parts of the path.
pub struct PathParam<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParam<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let parsed = Path::<T>::from_request_parts(parts, state).await;
        parsed.map(|Path(value)| Self(value)).map_err(|_| PageError::NotFound("page at this address".to_owned()))
    }
}

/// The query of the address.
pub struct QueryParams<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let parsed = Query::<T>::from_request_parts(parts, state).await;
        parsed.map(|Query(value)| Self(value)).map_err(|error| invalid(&error.body_text()))
    }
}

/// The form.
pub struct FormData<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormData<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let parsed = Form::<T>::from_request(request, state).await;
        parsed.map(|Form(value)| Self(value)).map_err(|error| invalid(&error.body_text()))
    }
}

fn invalid(why: &str) -> PageError {
    PageError::Invalid(why.trim_end_matches('.').to_owned())
}
