//! The sign of life to somewhere outside, so that the death of Rollbook itself is noticed.
//!
//! It is given only while all is well here: whoever waits for it hears silence when this process, its journal or its
//! schedule stands still.

use crate::webhook::WebhookClient;
use jiff::{SignedDuration, Timestamp};
use rollbook_remote::http::SetupError;
use rollbook_settings::service::Notify;

/// Who waits for a sign of life, and when they had the last.
#[derive(Debug)]
pub struct Heart {
    client: WebhookClient,
    every: SignedDuration,
    last: Option<Timestamp>,
}

impl Heart {
    /// The configured one, if there is one.
    ///
    /// # Errors
    /// [`SetupError`]
    pub fn of(notify: &Notify) -> Result<Option<Self>, SetupError> {
        let Some(url) = &notify.heartbeat_url else { return Ok(None) };
        let client = WebhookClient::new(&url.as_str().into())?;
        let every = SignedDuration::try_from(notify.heartbeat_every).unwrap_or(SignedDuration::MAX);
        Ok(Some(Self { client, every, last: None }))
    }

    /// Gives a sign of life, where it is time. One that is not heard is logged and given again next time.
    pub async fn beat(&mut self, now: Timestamp) {
        if self.last.is_some_and(|last| now.duration_since(last) < self.every) {
            return;
        }
        match self.client.ping().await {
            Ok(()) => self.last = Some(now),
            Err(error) => tracing::warn!(%error, "the sign of life was not heard; it is given again"),
        }
    }
}
