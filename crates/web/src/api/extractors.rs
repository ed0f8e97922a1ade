//! What a request brings, parsed strictly: an error says why, and an unknown name is an error, too.

use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

/// The largest whole number that every reader of JSON keeps exactly.
const KEY_MAX: i64 = (1 << 53) - 1;

/// The part of the path that names something.
pub struct PathParam<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParam<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        read.map(|Path(named)| Self(named)).map_err(|_| Problem::not_found("such thing"))
    }
}

/// Where a page goes on: a number that JSON's readers keep exactly.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub struct PageCursor(pub i64);

impl TryFrom<i64> for PageCursor {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, &'static str> {
        if (0..=KEY_MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err("invalid cursor: it is a number from 0 to 2^53 - 1")
        }
    }
}

/// A whole number. Some writers of JSON write `7.0` for `7`: that is the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer(pub i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(from)?;
        let whole = number.as_i64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
        whole.map(Self).ok_or_else(|| D::Error::custom(format!("{number} is not an integer that can be an id")))
    }
}

/// The query of the address.
pub struct QueryParams<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        read.map(|Query(asked)| Self(asked)).map_err(|refusal| Problem::invalid(refusal.body_text()))
    }
}

/// A body of JSON.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (is_json, body) = read(request, state).await?;
        if !is_json {
            return Err(not_json());
        }
        object(parse(&body)?).map(Self)
    }
}

/// A body of JSON, or none: then the default.
pub struct OptionalJsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (is_json, body) = read(request, state).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(not_json());
        }
        match parse(&body)? {
            Value::Null => Ok(Self(T::default())),
            value => object(value).map(Self),
        }
    }
}

/// The whole body, and whether it says that it is JSON.
async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<(bool, Bytes), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let read: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
    let body = read.map_err(|refusal| Problem::new(refusal.status(), refusal.body_text().to_lowercase()))?;
    Ok((kind == "application/json", body))
}

fn not_json() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be JSON, with `content-type: application/json`")
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::invalid(format!("the body is not valid JSON: {error}")))
}

/// A list of values would be read as the fields in their order: only names say what is meant.
fn object<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::invalid("the body must be an object"));
    }
    serde_json::from_value(value).map_err(|error| Problem::invalid(format!("invalid body: {error}")))
}
