//! The issuer: where people are sent, what a code is exchanged for, and who they are.
//!
//! The exchange is one of this server with the issuer: the code is bound to us by our secret and to this attempt by PKCE. What
//! comes back is verified by `id_token`. Discovery and keys are cached; a token of an unknown key asks for the keys again.

use super::id_token::{Expected, IdTokenError, KeySet, verify_id_token};
use crate::auth::account_name::{AccountNameError, account_name};
use crate::auth::secrets::make_secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use form_urlencoded::{Serializer, byte_serialize};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::RoleName;
use rollbook_settings::service::Oidc;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// How long discovery and keys are used before they are read again.
const CACHED_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Keys are read again for a token of an unknown key, but not more often: anybody can send one.
const KEYS_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What a connection to the issuer fails with.
#[derive(Debug, thiserror::Error)]
#[error("the issuer of single sign-on could not be reached")]
pub struct FetchError(#[source] pub Box<dyn Error + Send + Sync>);

#[derive(Clone, Debug)]
pub struct HttpRequest {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct HttpResponse {
    pub status: u16,
    pub body: Vec<u8>,
}

pub type Fetching = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send>>;

/// Sends a request to the issuer.
pub type Fetch = Arc<dyn Fn(HttpRequest) -> Fetching + Send + Sync>;

/// Why a sign-on came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the issuer's {what} cannot be used: {why}")]
    Answer { what: &'static str, why: String },
    #[error("the id token is not valid: {0}")]
    IdToken(#[from] IdTokenError),
    #[error("the account name is not valid: {0}")]
    AccountName(#[from] AccountNameError),
}

/// The issuer, as the configuration names it.
pub struct Issuer {
    oidc: Oidc,
    redirect_uri: String,
    fetch: Fetch,
    discovery: Cached<Discovery>,
    keys: Cached<KeySet>,
}

type Cached<T> = Mutex<Option<(Timestamp, Arc<T>)>>;

impl fmt::Debug for Issuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Issuer").field("issuer", &self.oidc.issuer.as_str()).finish_non_exhaustive()
    }
}

/// Where a browser is sent, and what binds its return to it.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    pub url: String,
    /// Binds the way back to this browser.
    pub state: String,
    /// Binds the token to this attempt.
    pub nonce: String,
    /// Binds the code to this attempt.
    pub verifier: String,
}

/// Somebody whom the issuer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Issuer and the issuer's own id for them.
    pub subject: String,
    pub name: String,
    /// The highest role that the claim gives.
    pub role: Option<RoleName>,
}

/// The issuer's discovery document.
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
    /// People come back to `redirect_uri`, a whole address.
    pub fn new(oidc: Oidc, redirect_uri: String, fetch: Fetch) -> Self {
        Self { oidc, redirect_uri, fetch, discovery: Mutex::default(), keys: Mutex::default() }
    }

    /// The issuer's name, which has no slash at its end where the configured address only got one by being an address.
    fn name(&self) -> &str {
        let name = self.oidc.issuer.as_str();
        if self.oidc.issuer.path() == "/" { name.trim_end_matches('/') } else { name }
    }

    async fn discover(&self, now: Timestamp) -> Result<Arc<Discovery>, IssuerError> {
        if let Some(known) = cached(&self.discovery, now, CACHED_FOR) {
            return Ok(known);
        }
        let url = format!("{}/.well-known/openid-configuration", self.name().trim_end_matches('/'));
        let found: Discovery = self.get("discovery", url).await?;
        if found.issuer.trim_end_matches('/') != self.name().trim_end_matches('/') {
            return Err(IssuerError::Answer { what: "discovery", why: format!("it calls itself {}", found.issuer) });
        }
        Ok(cache(&self.discovery, now, found))
    }

    async fn keys(&self, url: &str, now: Timestamp, max_age: SignedDuration) -> Result<Arc<KeySet>, IssuerError> {
        if let Some(known) = cached(&self.keys, now, max_age) {
            return Ok(known);
        }
        Ok(cache(&self.keys, now, self.get("keys", url.to_owned()).await?))
    }

    async fn get<T: DeserializeOwned>(&self, what: &'static str, url: String) -> Result<T, IssuerError> {
        self.request(what, HttpRequest { method: "GET", url, headers: Vec::new(), body: Vec::new() }).await
    }

    async fn request<T: DeserializeOwned>(&self, what: &'static str, request: HttpRequest) -> Result<T, IssuerError> {
        let answer = (self.fetch)(request).await?;
        if answer.status != 200 {
            return Err(IssuerError::Answer { what, why: format!("status {}", answer.status) });
        }
        serde_json::from_slice(&answer.body).map_err(|error| IssuerError::Answer { what, why: error.to_string() })
    }

    /// Where somebody is sent to sign in, and what their browser remembers of it.
    pub async fn authorization_request(&self, now: Timestamp) -> Result<AuthorizationRequest, IssuerError> {
        let found = self.discover(now).await?;
        let [state, nonce, verifier] = [make_secret(), make_secret(), make_secret()];
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let scope = ["openid"].into_iter().chain(self.oidc.scopes.iter().map(String::as_str)).collect::<Vec<_>>();
        let query = Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", &self.oidc.client_id),
                ("redirect_uri", &self.redirect_uri),
                ("scope", &scope.join(" ")),
                ("state", &state),
                ("nonce", &nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let joint = if found.authorization_endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}{query}", found.authorization_endpoint);
        Ok(AuthorizationRequest { url, state, nonce, verifier })
    }

    /// Who the code is about.
    pub async fn exchange_code(
        &self,
        code: &str,
        nonce: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Identity, IssuerError> {
        let found = self.discover(now).await?;
        let tokens: Tokens = self.request("token", self.token_request(&found, code, verifier)).await?;
        let keys = self.keys(&found.jwks_uri, now, CACHED_FOR).await?;
        let expected = Expected { issuer: &found.issuer, client: &self.oidc.client_id, nonce, now };
        let claims = match verify_id_token(&tokens.id_token, &keys, expected) {
            Err(IdTokenError::UnknownKey) => {
                let keys = self.keys(&found.jwks_uri, now, KEYS_AGAIN_AFTER).await?;
                verify_id_token(&tokens.id_token, &keys, expected)?
            }
            other => other?,
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let subject = text("sub").ok_or(IdTokenError::Claim("sub"))?;
        // An address that its owner only claims could be somebody else's name here.
        let mail = text("email").filter(|_| claims["email_verified"] == true);
        let name = text("preferred_username").or(mail).unwrap_or(subject);
        Ok(Identity {
            subject: format!("{} {subject}", found.issuer),
            name: account_name(name)?.to_owned(),
            role: role_of(&self.oidc, &claims),
        })
    }

    /// The request that exchanges a code for tokens.
    fn token_request(&self, found: &Discovery, code: &str, verifier: &str) -> HttpRequest {
        let (id, secret) = (&self.oidc.client_id, self.oidc.client_secret.expose_secret());
        let mut form = Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ]);
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let methods = &found.token_endpoint_auth_methods_supported;
        let is_basic = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        if is_basic {
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let both = STANDARD.encode(format!("{}:{}", part(id), part(secret)));
            headers.push(("authorization".to_owned(), format!("Basic {both}")));
        } else {
            form.extend_pairs([("client_id", id.as_str()), ("client_secret", secret)]);
        }
        HttpRequest { method: "POST", url: found.token_endpoint.clone(), headers, body: form.finish().into_bytes() }
    }
}

fn cached<T>(cache: &Cached<T>, now: Timestamp, max_age: SignedDuration) -> Option<Arc<T>> {
    let known = cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
    known.filter(|(read, _)| *read <= now && now.duration_since(*read) < max_age).map(|(_, known)| known)
}

fn cache<T>(cache: &Cached<T>, now: Timestamp, found: T) -> Arc<T> {
    let found = Arc::new(found);
    *cache.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, found.clone()));
    found
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
