//! Who Rollbook is at a community: a user with a password, or a consumer whose token is renewed before it ends.
//!
//! It must never put a secret into a URL, and never fetch a token that it has. Next: `call.rs`.

use super::error::DrupalError;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};
use rollbook_clock::{Clock, Timer};
use rollbook_remote::http;
use rollbook_remote::words::{Words, make_excerpt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;

/// Most bytes of a token's answer.
const BYTES_MAX: usize = 64 * 1024;
/// Assumed where the answer does not say: simple_oauth's own default.
const LIFE_DEFAULT_S: u64 = 300;

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
pub(super) struct Signer {
    auth: DrupalAuth,
    token_url: Url,
    clock: Clock,
    issued: Mutex<Issued>,
}

/// The present token, if any, and how many there were: a request that was refused with an older one need not ask anew.
#[derive(Default)]
struct Issued {
    number: u64,
    token: Option<Token>,
}

struct Token {
    header: HeaderValue,
    age: Timer,
    life: Duration,
}

impl Token {
    /// Whether less than 80 % of its life is over.
    fn is_fresh(&self) -> bool {
        self.age.elapsed() < self.life * 4 / 5
    }
}

#[derive(Deserialize)]
struct WireToken {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<f64>,
}

impl Signer {
    pub(super) fn new(auth: DrupalAuth, token_url: Url, clock: Clock) -> Self {
        Self { auth, token_url, clock, issued: Mutex::default() }
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
        match &self.auth {
            DrupalAuth::Basic { user, password } => Ok((request.basic_auth(user, Some(password.expose_secret())), 0)),
            DrupalAuth::OAuth2 { client_id, client_secret, scope } => {
                // Held while asking, so that requests at the same time wait for one token.
                let mut issued = self.issued.lock().await;
                let token = match issued.token.take().filter(Token::is_fresh) {
                    Some(token) => token,
                    None => {
                        issued.number += 1;
                        self.fetch_token(http, client_id, client_secret, scope.as_deref()).await?
                    }
                };
                let request = request.header(AUTHORIZATION, token.header.clone());
                issued.token = Some(token);
                Ok((request, issued.number))
            }
        }
    }

    /// Drops a token that was refused (revoked, or the site's clock is ahead). Whether another try makes sense.
    pub(super) async fn renew_after(&self, number: u64) -> bool {
        match self.auth {
            DrupalAuth::Basic { .. } => false,
            DrupalAuth::OAuth2 { .. } => {
                let mut issued = self.issued.lock().await;
                if issued.number == number {
                    issued.token = None;
                }
                true
            }
        }
    }

    async fn fetch_token(
        &self,
        http: &Client,
        client_id: &str,
        client_secret: &SecretString,
        scope: Option<&str>,
    ) -> Result<Token, DrupalError> {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
        ];
        form.extend(scope.map(|scope| ("scope", scope)));
        let age = self.clock.timer();
        let answer = http::exchange(http.post(self.token_url.clone()).form(&form), BYTES_MAX).await?;
        if answer.status != 200 {
            return Err(match answer.status {
                // A bad consumer is 401, a bad scope 400, both with words in JSON.
                400 | 401 | 403 => DrupalError::Denied { status: answer.status, words: read_words(&answer.body) },
                _ => super::call::judge_status(&answer),
            });
        }
        let malformed = || DrupalError::Malformed { excerpt: "a token's answer without a token".to_owned() };
        let wire: WireToken = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        let mut header =
            HeaderValue::from_str(&format!("Bearer {}", wire.access_token.expose_secret())).map_err(|_| malformed())?;
        header.set_sensitive(true);
        let seconds = wire.expires_in.filter(|seconds| (1.0..=86_400.0).contains(seconds));
        let life = seconds.map_or(Duration::from_secs(LIFE_DEFAULT_S), Duration::from_secs_f64);
        Ok(Token { header, age, life })
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
