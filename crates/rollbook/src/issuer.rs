//! The issuer of single sign-on, as far as bytes go: one request, one bounded answer. What they mean is the module `web`'s.

use reqwest::{Client, Method, Url};
use rollbook_remote::http::{Answer, Fault, SetupError, exchange, make_client};
use std::time::Duration;

/// Most bytes of an answer: documents of discovery and keys are small.
const BYTES_MAX: usize = 1024 * 1024;
/// Somebody waits in front of a browser.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to the issuer.
#[derive(Clone, Debug)]
pub struct IssuerClient {
    client: Client,
}

impl IssuerClient {
    /// A client for the issuer.
    ///
    /// # Errors
    /// Only when the TLS set-up of this machine is unusable.
    pub fn new(issuer: &Url) -> Result<Self, SetupError> {
        Ok(Self { client: make_client(issuer, TIMEOUT)? })
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// A [`Fault`]; an HTTP error status is not one. An address or method that is none was not sent.
    pub async fn fetch(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Answer, Fault> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Fault::NotSent("no such method".to_owned()))?;
        let url = Url::parse(url).map_err(|_| Fault::NotSent("the issuer names an address that is none".to_owned()))?;
        let request = headers.iter().fold(self.client.request(method, url), |request, (name, value)| {
            request.header(name.as_str(), value.as_str())
        });
        exchange(request.body(body), BYTES_MAX).await
    }
}
