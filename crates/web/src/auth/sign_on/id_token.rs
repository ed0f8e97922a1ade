//! Whether an id token is valid: signed by a key of the issuer (RS256 or ES256), made by the issuer for us, in its time, for this
//! attempt. Nothing of it is used before its signature is verified, but for which key made it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

/// Two clocks may be so many seconds apart.
const LEEWAY: i64 = 60;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    #[error("not a signed token")]
    Malformed,
    /// A token must not choose how it is verified.
    #[error("signed with neither RS256 nor ES256")]
    Algorithm,
    /// RFC 7515, 4.1.11: what is critical and not understood makes a token invalid.
    #[error("its header has critical extensions that Rollbook does not know")]
    Critical,
    #[error("its signing key is not one of the issuer's")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("its claim {0} is missing or has another value")]
    Claim(&'static str),
    #[error("token expired or not yet valid")]
    Time,
}

/// The issuer's keys (RFC 7517). A key of a type that is not known is skipped.
#[derive(Debug, Deserialize)]
pub struct KeySet {
    keys: Vec<JsonWebKey>,
}

#[derive(Debug, Deserialize)]
struct JsonWebKey {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// What a valid token says.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// The claims of a valid token.
pub fn verify_id_token(token: &str, keys: &KeySet, expected: Expected<'_>) -> Result<Value, IdTokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
    let (header, body) = signed.split_once('.').ok_or(IdTokenError::Malformed)?;
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| IdTokenError::Malformed)?;
    let signature = decode(signature)?;
    if header.crit.is_some() {
        return Err(IdTokenError::Critical);
    }
    let is_signed_by: fn(&JsonWebKey, &[u8], &[u8]) -> bool = match header.alg.as_str() {
        "RS256" => is_signed_by_rsa,
        "ES256" => is_signed_by_ec,
        _ => return Err(IdTokenError::Algorithm),
    };
    let mut usable = keys.keys.iter().filter(|key| key.may_have_signed(&header)).peekable();
    if usable.peek().is_none() {
        return Err(IdTokenError::UnknownKey);
    }
    if !usable.any(|key| is_signed_by(key, signed.as_bytes(), &signature)) {
        return Err(IdTokenError::Signature);
    }
    let claims: Value = serde_json::from_slice(&decode(body)?).map_err(|_| IdTokenError::Malformed)?;
    check_claims(&claims, expected)?;
    Ok(claims)
}

impl JsonWebKey {
    /// Whether the key is for signatures of this algorithm, and the one that the header names.
    fn may_have_signed(&self, header: &Header) -> bool {
        let is_for_signatures = self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let is_for_algorithm = self.alg.as_deref().is_none_or(|alg| alg == header.alg);
        let is_named = header.kid.is_none() || self.kid.is_none() || header.kid == self.kid;
        let is_of_type = match header.alg.as_str() {
            "RS256" => self.kty == "RSA",
            _ => self.kty == "EC" && self.crv == "P-256",
        };
        is_for_signatures && is_for_algorithm && is_named && is_of_type
    }
}

fn check_claims(claims: &Value, Expected { issuer, client, nonce, now }: Expected<'_>) -> Result<(), IdTokenError> {
    if claims["iss"] != issuer {
        return Err(IdTokenError::Claim("iss"));
    }
    let is_ours = match &claims["aud"] {
        Value::String(one) => one == client,
        // A token for several must say that it was made for us.
        Value::Array(all) => all.iter().any(|one| one == client) && (all.len() == 1 || claims["azp"] == client),
        _ => false,
    };
    if !is_ours {
        return Err(IdTokenError::Claim("aud"));
    }
    if claims["nonce"] != nonce {
        return Err(IdTokenError::Claim("nonce"));
    }
    let seconds = now.as_second();
    let ends = claims["exp"].as_i64().ok_or(IdTokenError::Claim("exp"))?;
    let begins = claims["nbf"].as_i64().or(claims["iat"].as_i64()).unwrap_or(seconds);
    if ends.saturating_add(LEEWAY) <= seconds || begins.saturating_sub(LEEWAY) > seconds {
        return Err(IdTokenError::Time);
    }
    Ok(())
}

fn is_signed_by_rsa(key: &JsonWebKey, signed: &[u8], signature: &[u8]) -> bool {
    let (Ok(n), Ok(e)) = (decode(&key.n), decode(&key.e)) else { return false };
    RsaPublicKeyComponents { n: &n, e: &e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
}

fn is_signed_by_ec(key: &JsonWebKey, signed: &[u8], signature: &[u8]) -> bool {
    let (Ok(x), Ok(y)) = (decode(&key.x), decode(&key.y)) else { return false };
    let point = [&[4][..], &x, &y].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
}

fn decode(text: &str) -> Result<Vec<u8>, IdTokenError> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| IdTokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    const NOW: i64 = 1_795_425_260;

    fn packed(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn claims() -> Value {
        json!({"iss": "https://issuer", "aud": ["rollbook"], "nonce": "n", "exp": NOW + 60, "iat": NOW, "sub": "1"})
    }

    /// A key of ours, and what it signs.
    fn signed(head: &Value, claims: &Value) -> (KeySet, String) {
        let (key, token) = signed_with(head, claims, json!({}));
        (serde_json::from_value(json!({"keys": [key]})).unwrap(), token)
    }

    /// The same, of a key that says more of itself.
    fn signed_with(head: &Value, claims: &Value, more: Value) -> (Value, String) {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = json!({"kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..])});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let text = format!("{}.{}", packed(head), packed(claims));
        let signature = pair.sign(&random, text.as_bytes()).unwrap();
        (key, format!("{text}.{}", part(signature.as_ref())))
    }

    fn expected() -> Expected<'static> {
        let now = Timestamp::from_second(NOW).unwrap();
        Expected { issuer: "https://issuer", client: "rollbook", nonce: "n", now }
    }

    fn verified(head: &Value, claims: &Value) -> Result<Value, IdTokenError> {
        let (keys, token) = signed(head, claims);
        verify_id_token(&token, &keys, expected())
    }

    #[test]
    fn token_of_the_issuer_for_us_now_is_valid() {
        assert_eq!(verified(&json!({"alg": "ES256"}), &claims()), Ok(claims()));
    }

    #[test]
    fn token_must_not_choose_how_it_is_verified() {
        for alg in ["none", "HS256", "RS512", ""] {
            assert_eq!(verified(&json!({"alg": alg}), &claims()), Err(IdTokenError::Algorithm), "{alg}");
        }
        assert_eq!(verified(&json!({"alg": "RS256"}), &claims()), Err(IdTokenError::UnknownKey));
        let critical = json!({"alg": "ES256", "crit": ["b64"], "b64": false});
        assert_eq!(verified(&critical, &claims()), Err(IdTokenError::Critical));
        let (keys, _) = signed(&json!({"alg": "ES256"}), &claims());
        let (_, other) = signed(&json!({"alg": "ES256"}), &claims());
        assert_eq!(verify_id_token(&other, &keys, expected()), Err(IdTokenError::Signature));
        for token in ["", "a.b", "a.b.c", "..", "é.é.é"] {
            assert!(verify_id_token(token, &keys, expected()).is_err(), "{token}");
        }
    }

    #[test]
    fn claim_with_another_value_is_refused() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            verified(&json!({"alg": "ES256"}), &claims).unwrap_err()
        };
        assert_eq!(with("iss", json!("https://evil")), IdTokenError::Claim("iss"));
        assert_eq!(with("aud", json!("another")), IdTokenError::Claim("aud"));
        assert_eq!(with("aud", json!(["rollbook", "another"])), IdTokenError::Claim("aud"));
        assert_eq!(with("nonce", json!("m")), IdTokenError::Claim("nonce"));
        assert_eq!(with("exp", json!(NOW - 61)), IdTokenError::Time);
        assert_eq!(with("exp", json!("soon")), IdTokenError::Claim("exp"));
        assert_eq!(with("iat", json!(NOW + 61)), IdTokenError::Time);
    }

    #[test]
    fn key_of_another_name_purpose_or_algorithm_verifies_nothing() {
        let verified = |key: Value| {
            let (key, token) = signed_with(&json!({"alg": "ES256", "kid": "one"}), &claims(), key);
            // Another key stands beside it, as issuers have them.
            let other = json!({"kty": "OKP", "kid": "two", "crv": "Ed25519", "x": "AA"});
            let keys: KeySet = serde_json::from_value(json!({"keys": [other, key]})).unwrap();
            verify_id_token(&token, &keys, expected()).map(|_| ())
        };
        for right in [
            json!({}),
            json!({"kid": "one"}),
            json!({"kid": "one", "use": "sig", "alg": "ES256"}),
            json!({"key_ops": ["verify"]}),
        ] {
            assert_eq!(verified(right.clone()), Ok(()), "{right}");
        }
        for foreign in [
            json!({"kid": "two"}),
            json!({"kid": "one", "use": "enc"}),
            json!({"kid": "one", "alg": "ES384"}),
            json!({"kid": "one", "alg": "RS256"}),
            json!({"kid": "one", "key_ops": ["encrypt"]}),
        ] {
            assert_eq!(verified(foreign.clone()), Err(IdTokenError::UnknownKey), "{foreign}");
        }
    }
}
