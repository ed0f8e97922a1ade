//! Who Rollbook is at a community: a user with a password, or a consumer whose token is renewed before it ends.
//!
//! It must never put a secret into a URL, and never fetch a token that it has. Next: `call.rs`.

use super::error::DrupalError;
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, RequestBuilder, Url};
use rollbook_clock::Clock;
use rollbook_remote::oauth2::{ClientCredentials, TokenError, TokenSource};
use rollbook_remote::words::{Words, make_excerpt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Who Rollbook is at a community.
#[derive(Clone, Debug)]
pub enum DrupalAuth {
    /// A user with a password (module basic_auth), sent with every request.
    Basic {
        /// The account's name.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// Client credentials (module simple_oauth).
    OAuth2 {
        /// The consumer.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// A role that the consumer does not carry by itself.
        scope: Option<String>,
    },
}

/// Signs requests.
pub(super) enum Signer {
    Basic { user: String, password: SecretString },
    OAuth2(Box<TokenSource>),
}

impl Signer {
    pub(super) fn new(auth: DrupalAuth, token_url: Url, clock: Clock) -> Self {
        match auth {
            DrupalAuth::Basic { user, password } => Self::Basic { user, password },
            DrupalAuth::OAuth2 { client_id, client_secret, scope } => {
                let credentials = ClientCredentials { token_url, client_id, client_secret, scope };
                Self::OAuth2(Box::new(TokenSource::new(credentials, clock)))
            }
        }
    }

    /// Signs a request; gives the number of the token that it was signed with, for [`Self::renew_after`].
    ///
    /// # Errors
    /// [`DrupalError`]: no token was to be had.
    pub(super) async fn sign(
        &self,
        http: &Client,
        request: RequestBuilder,
    ) -> Result<(RequestBuilder, u64), DrupalError> {
        match self {
            Self::Basic { user, password } => Ok((request.basic_auth(user, Some(password.expose_secret())), 0)),
            Self::OAuth2(tokens) => {
                let (header, number) = tokens.bearer(http).await.map_err(read_token_error)?;
                Ok((request.header(AUTHORIZATION, header), number))
            }
        }
    }

    /// Drops a token that was refused (revoked, or the site's clock is ahead). Whether another try makes sense.
    pub(super) async fn renew_after(&self, number: u64) -> bool {
        match self {
            Self::Basic { .. } => false,
            Self::OAuth2(tokens) => {
                tokens.renew_after(number).await;
                true
            }
        }
    }
}

fn read_token_error(error: TokenError) -> DrupalError {
    match error {
        TokenError::Fault(fault) => fault.into(),
        TokenError::Status(answer) => match answer.status {
            // A bad consumer is 401, a bad scope 400, both with words in JSON.
            status @ (400 | 401 | 403) => DrupalError::Denied { status, words: read_words(&answer.body) },
            _ => super::call::judge_status(&answer),
        },
        TokenError::Malformed => DrupalError::Malformed { excerpt: "a token's answer without a token".to_owned() },
    }
}

/// `{"error","error_description"}`
fn read_words(body: &[u8]) -> Words {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        error: String,
        #[serde(default)]
        error_description: String,
    }
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => Words::new(&format!("{}: {}", refusal.error, refusal.error_description)),
        Err(_) => Words::new(&make_excerpt(body)),
    }
}
