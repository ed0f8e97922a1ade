//! Tells another system something by one HTTP request: a notice as JSON, or a sign of life.
//!
//! An address may hold a key: it is never shown, nor anything of an answer but its status.

use reqwest::{Client, Url};
use rollbook_remote::http::{Fault, SetupError, exchange, make_client, parse_url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::time::Duration;

/// An answer is not read beyond this.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The time one request may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One address.
pub struct WebhookClient {
    client: Client,
    url: Url,
}

/// Why it was not taken, or perhaps not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Nothing left this machine.
    #[error("it was not reached: {0}")]
    NotSent(String),
    /// No whole answer came.
    #[error("it did not answer: {0}")]
    Unknown(String),
    /// It answered with an error.
    #[error("it answered HTTP {0}")]
    Refused(u16),
}

impl WebhookError {
    /// Whether another try may be heard.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Unknown(_) => true,
            Self::Refused(status) => *status >= 500 || matches!(status, 408 | 425 | 429),
        }
    }
}

impl std::fmt::Debug for WebhookClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "WebhookClient({})", self.url.host_str().unwrap_or_default())
    }
}

impl WebhookClient {
    /// A client of one address, which may be a secret.
    ///
    /// # Errors
    /// [`SetupError`]
    pub fn new(url: &SecretString) -> Result<Self, SetupError> {
        let url = parse_url("the address", url.expose_secret())?;
        Ok(Self { client: make_client(&url, TIMEOUT)?, url })
    }

    /// Posts JSON. A repeat carries the same `key`, by which it can be told.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub async fn post(&self, body: &impl Serialize, key: &str) -> Result<(), WebhookError> {
        judge(
            exchange(self.client.post(self.url.clone()).header("idempotency-key", key).json(body), ANSWER_BYTES_MAX)
                .await,
        )
    }

    /// Fetches the address, for its own sake.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub async fn ping(&self) -> Result<(), WebhookError> {
        judge(exchange(self.client.get(self.url.clone()), ANSWER_BYTES_MAX).await)
    }
}

fn judge(answer: Result<rollbook_remote::http::Answer, Fault>) -> Result<(), WebhookError> {
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(WebhookError::Refused(answer.status)),
        // What is longer than anybody reads was an answer all the same.
        Err(Fault::TooLong { .. }) => Ok(()),
        Err(Fault::NotSent(why)) => Err(WebhookError::NotSent(why)),
        Err(Fault::Unknown(why)) => Err(WebhookError::Unknown(why)),
    }
}
