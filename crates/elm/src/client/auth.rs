//! Who Rollbook is at an ELM: the holder of a token in a header, a user with a password, or a client of OAuth2.
//!
//! It must never put a secret into a URL. Next: `read.rs`.

use super::error::{CompletionError, FeedError};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder};
use rollbook_clock::Clock;
use rollbook_remote::http::{self, SetupError};
use rollbook_remote::oauth2::{ClientCredentials, TokenError, TokenSource};
use rollbook_remote::words::make_excerpt;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// Who Rollbook is.
#[derive(Clone, Debug)]
pub enum FeedAuth {
    /// A token in a header, as CData wants it.
    Header {
        /// The header's name.
        name: String,
        /// The token.
        token: SecretString,
    },
    /// A user with a password, sent with every request.
    Basic {
        /// The user.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// Client credentials.
    OAuth2(ClientCredentials),
    /// Nobody: the source is open, or a folder.
    Open,
}

/// Signs requests; clones share their tokens.
#[derive(Clone)]
pub(super) enum Signer {
    Header(HeaderName, HeaderValue),
    OAuth2(Arc<TokenSource>),
    Open,
}

impl Signer {
    /// `what` names the token in an error.
    pub(super) fn new(what: &'static str, auth: &FeedAuth) -> Result<Self, SetupError> {
        Ok(match auth {
            FeedAuth::Header { name, token } => {
                Self::Header(http::parse_header_name("the token's header", name)?, secret_value(what, token)?)
            }
            FeedAuth::Basic { user, password } => {
                let text = base64::Engine::encode(
                    &base64::engine::general_purpose::STANDARD,
                    format!("{user}:{}", password.expose_secret()),
                );
                Self::Header(AUTHORIZATION, secret_value(what, &format!("Basic {text}").into())?)
            }
            FeedAuth::OAuth2(who) => Self::OAuth2(Arc::new(TokenSource::new(who.clone(), Clock::system()))),
            FeedAuth::Open => Self::Open,
        })
    }

    /// Signs a request; gives the number of the token that it was signed with, for [`Self::renew_after`].
    ///
    /// # Errors
    /// [`TokenError`]
    pub(super) async fn sign(
        &self,
        http: &Client,
        request: RequestBuilder,
    ) -> Result<(RequestBuilder, u64), TokenError> {
        match self {
            Self::Header(name, value) => Ok((request.header(name, value), 0)),
            Self::OAuth2(tokens) => {
                let (header, number) = tokens.bearer(http).await?;
                Ok((request.header(AUTHORIZATION, header), number))
            }
            Self::Open => Ok((request, 0)),
        }
    }

    /// Drops a token that was refused (revoked, or the issuer's clock is ahead). Whether another try makes sense.
    pub(super) async fn renew_after(&self, number: u64) -> bool {
        match self {
            Self::OAuth2(tokens) => {
                tokens.renew_after(number).await;
                true
            }
            Self::Header(..) | Self::Open => false,
        }
    }
}

/// A header value that `Debug` does not show.
fn secret_value(what: &'static str, token: &SecretString) -> Result<HeaderValue, SetupError> {
    let text = token.expose_secret().trim();
    if text.is_empty() {
        return Err(SetupError::new(what, "is empty"));
    }
    let mut value = HeaderValue::from_str(text).map_err(|_| SetupError::new(what, "has characters no header takes"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl From<TokenError> for FeedError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Fault(fault) => fault.into(),
            TokenError::Status(answer) => match answer.status {
                status @ (400 | 401 | 403) => Self::Denied { status },
                429 => Self::RateLimited { retry_after: answer.retry_after },
                status @ 500.. => {
                    Self::Unavailable { status, excerpt: make_excerpt(&answer.body), retry_after: answer.retry_after }
                }
                status => Self::Misaddressed { status, location: answer.location },
            },
            TokenError::Malformed => Self::Malformed { excerpt: "a token's answer without a token".to_owned() },
        }
    }
}

/// Nothing was sent to the completion endpoint itself.
impl From<TokenError> for CompletionError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Fault(fault) => Self::NotSent { why: fault.to_string() },
            TokenError::Status(answer) => match answer.status {
                429 => Self::RateLimited { retry_after: answer.retry_after },
                status @ 500.. => Self::NotSent { why: format!("the token's issuer failed: HTTP {status}") },
                status => Self::Denied { status },
            },
            TokenError::Malformed => Self::NotSent { why: "the token's issuer gave no token".to_owned() },
        }
    }
}
