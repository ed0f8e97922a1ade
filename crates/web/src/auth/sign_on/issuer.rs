//! The issuer: where people are sent, what a code is exchanged for, and what of it is believed.
//!
//! The exchange is one of this server with the issuer: the code is bound to us by our secret and to this attempt by PKCE. What
//! comes back is believed as `token` says. Next: `token`.

use super::token::{Keys, believe};
use crate::auth::make_secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use form_urlencoded::{Serializer, byte_serialize};
use jiff::Timestamp;
use rollbook_settings::service::{Oidc, RoleName};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What a connection to the issuer fails with.
#[derive(Debug, thiserror::Error)]
#[error("the issuer of single sign-on could not be reached")]
pub struct FetchError(#[source] pub Box<dyn Error + Send + Sync>);

/// A request to the issuer.
#[derive(Clone, Debug)]
pub struct QueryParams {
    /// The method.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer of the issuer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection under way.
pub type Fetching = Pin<Box<dyn Future<Output = Result<Answered, FetchError>> + Send>>;

/// Sends a request to the issuer.
pub type Fetch = Arc<dyn Fn(QueryParams) -> Fetching + Send + Sync>;

/// Why nobody is learned of.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// No answer came.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It answered with something else.
    #[error("the issuer's {what} cannot be used: {why}")]
    Answer {
        /// Of what.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The token is not believed.
    #[error("the id token is not believed: {0}")]
    Token(#[from] super::token::SignatureError),
}

/// The issuer, as the configuration names it.
pub struct Issuer {
    oidc: Oidc,
    back: String,
    fetch: Fetch,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Issuer").field("issuer", &self.oidc.issuer.as_str()).finish_non_exhaustive()
    }
}

/// Somebody who is sent there.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Where to.
    pub url: String,
    /// What binds the way back to this browser.
    pub state: String,
    /// What binds the token to this attempt.
    pub nonce: String,
    /// What binds the code to this attempt.
    pub verifier: String,
}

/// Somebody who came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Issuer and the issuer's own id for them.
    pub subject: String,
    /// What they are called.
    pub name: String,
    /// The highest role that the claim gives.
    pub role: Option<RoleName>,
}

/// What the issuer says of itself.
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
}

impl Issuer {
    /// The issuer; people come back to `back`, a whole address.
    pub fn new(oidc: Oidc, back: String, fetch: Fetch) -> Self {
        Self { oidc, back, fetch }
    }

    /// The issuer's name, which has no slash at its end where the configured address only got one by being an address.
    fn name(&self) -> &str {
        let name = self.oidc.issuer.as_str();
        if self.oidc.issuer.path() == "/" { name.trim_end_matches('/') } else { name }
    }

    async fn discover(&self) -> Result<Discovery, IssuerError> {
        let url = format!("{}/.well-known/openid-configuration", self.name().trim_end_matches('/'));
        let found: Discovery = self.get("discovery", url).await?;
        if found.issuer.trim_end_matches('/') != self.name().trim_end_matches('/') {
            return Err(IssuerError::Answer { what: "discovery", why: format!("it calls itself {}", found.issuer) });
        }
        Ok(found)
    }

    async fn get<T: DeserializeOwned>(&self, what: &'static str, url: String) -> Result<T, IssuerError> {
        self.ask(what, QueryParams { method: "GET", url, headers: Vec::new(), body: Vec::new() }).await
    }

    async fn ask<T: DeserializeOwned>(&self, what: &'static str, asked: QueryParams) -> Result<T, IssuerError> {
        let answer = (self.fetch)(asked).await?;
        if answer.status != 200 {
            return Err(IssuerError::Answer { what, why: format!("status {}", answer.status) });
        }
        serde_json::from_slice(&answer.body).map_err(|error| IssuerError::Answer { what, why: error.to_string() })
    }

    /// Where somebody is sent, and what is remembered of it.
    ///
    /// # Errors
    /// [`IssuerError`] where the issuer does not say where.
    pub async fn send(&self) -> Result<Sent, IssuerError> {
        let found = self.discover().await?;
        let [state, nonce, verifier] = [make_secret(), make_secret(), make_secret()];
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let scope = ["openid"].into_iter().chain(self.oidc.scopes.iter().map(String::as_str)).collect::<Vec<_>>();
        let query = Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", &self.oidc.client_id),
                ("redirect_uri", &self.back),
                ("scope", &scope.join(" ")),
                ("state", &state),
                ("nonce", &nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let joint = if found.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok(Sent { url: format!("{}{joint}{query}", found.authorization_endpoint), state, nonce, verifier })
    }

    /// Who the code is about.
    ///
    /// # Errors
    /// [`IssuerError`] where the issuer gives nothing for the code, or something that is not believed.
    pub async fn learn(&self, code: &str, nonce: &str, verifier: &str, now: Timestamp) -> Result<Person, IssuerError> {
        let found = self.discover().await?;
        let tokens: Tokens = self.ask("token", self.exchange(&found, code, verifier)).await?;
        let keys: Keys = self.get("keys", found.jwks_uri).await?;
        let claims = believe(&tokens.id_token, &keys, (&found.issuer, &self.oidc.client_id, nonce), now)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let subject = text("sub").ok_or(super::token::SignatureError::Claim("sub"))?;
        let name = text("preferred_username").or_else(|| text("email")).unwrap_or(subject);
        Ok(Person {
            subject: format!("{} {subject}", found.issuer),
            name: name.chars().take(100).collect(),
            role: role_of(&self.oidc, &claims),
        })
    }

    /// The request that exchanges a code for tokens.
    fn exchange(&self, found: &Discovery, code: &str, verifier: &str) -> QueryParams {
        let (id, secret) = (&self.oidc.client_id, self.oidc.client_secret.expose_secret());
        let mut form = Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.back),
            ("code_verifier", verifier),
        ]);
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let ways = &found.token_endpoint_auth_methods_supported;
        let is_basic = ways.is_empty() || ways.iter().any(|way| way == "client_secret_basic");
        if is_basic {
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let both = STANDARD.encode(format!("{}:{}", part(id), part(secret)));
            headers.push(("authorization".to_owned(), format!("Basic {both}")));
        } else {
            form.extend_pairs([("client_id", id.as_str()), ("client_secret", secret)]);
        }
        QueryParams { method: "POST", url: found.token_endpoint.clone(), headers, body: form.finish().into_bytes() }
    }
}

/// The highest role that the claim's values give. The claim may be a text or a list, and may stand deeper: `realm.roles`.
fn role_of(oidc: &Oidc, claims: &Value) -> Option<RoleName> {
    let found = claims.get(&oidc.claim).or_else(|| oidc.claim.split('.').try_fold(claims, |at, part| at.get(part)))?;
    let has = |value: &str| match found {
        Value::String(text) => text == value,
        Value::Array(all) => all.iter().any(|one| one.as_str() == Some(value)),
        _ => false,
    };
    oidc.roles.iter().filter(|(value, _)| has(value)).map(|(_, role)| *role).max()
}
