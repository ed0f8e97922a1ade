//! OAuth2 client credentials: a token that is fetched once and renewed before it ends.
//!
//! It must never put a secret into a URL, and never fetch a token that it has.

use crate::http::{Answer, Fault, exchange};
use reqwest::header::HeaderValue;
use reqwest::{Client, Url};
use rollbook_clock::{Clock, Timer};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;

/// Most bytes of a token's answer.
const BYTES_MAX: usize = 64 * 1024;
/// Assumed where the answer does not say: simple_oauth's own default.
const LIFE_DEFAULT_S: u64 = 300;

/// Who asks for tokens, and where.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// Where tokens are issued.
    pub token_url: Url,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// What is asked for, where the client does not carry it by itself.
    pub scope: Option<String>,
}

/// Why there is no token.
#[derive(Clone, Debug)]
pub enum TokenError {
    /// No whole answer came.
    Fault(Fault),
    /// The issuer answered with another status than 200.
    Status(Answer),
    /// The answer has no token in it.
    Malformed,
}

/// Gives tokens out.
pub struct TokenSource {
    who: ClientCredentials,
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

impl TokenSource {
    /// A source without a token yet; nothing is sent.
    pub fn new(who: ClientCredentials, clock: Clock) -> Self {
        Self { who, clock, issued: Mutex::default() }
    }

    /// The value of `Authorization`, and the token's number for [`Self::renew_after`]. Requests at the same time wait for
    /// one token.
    ///
    /// # Errors
    /// [`TokenError`]
    pub async fn bearer(&self, http: &Client) -> Result<(HeaderValue, u64), TokenError> {
        let mut issued = self.issued.lock().await;
        let token = match issued.token.take().filter(Token::is_fresh) {
            Some(token) => token,
            None => {
                issued.number += 1;
                self.fetch(http).await?
            }
        };
        let header = token.header.clone();
        issued.token = Some(token);
        Ok((header, issued.number))
    }

    /// Drops a token that was refused: it was revoked, or the issuer's clock is ahead.
    pub async fn renew_after(&self, number: u64) {
        let mut issued = self.issued.lock().await;
        if issued.number == number {
            issued.token = None;
        }
    }

    async fn fetch(&self, http: &Client) -> Result<Token, TokenError> {
        let ClientCredentials { token_url, client_id, client_secret, scope } = &self.who;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", client_secret.expose_secret()),
        ];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let age = self.clock.timer();
        let answer = exchange(http.post(token_url.clone()).form(&form), BYTES_MAX).await.map_err(TokenError::Fault)?;
        if answer.status != 200 {
            return Err(TokenError::Status(answer));
        }
        let wire: WireToken = serde_json::from_slice(&answer.body).map_err(|_| TokenError::Malformed)?;
        let text = format!("Bearer {}", wire.access_token.expose_secret());
        let mut header = HeaderValue::from_str(&text).map_err(|_| TokenError::Malformed)?;
        header.set_sensitive(true);
        let seconds = wire.expires_in.filter(|seconds| (1.0..=86_400.0).contains(seconds));
        let life = seconds.map_or(Duration::from_secs(LIFE_DEFAULT_S), Duration::from_secs_f64);
        Ok(Token { header, age, life })
    }
}
