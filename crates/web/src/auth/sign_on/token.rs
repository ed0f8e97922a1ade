//! Whether an id token is believed: signed by a key of the issuer (RS256 or ES256), made by the issuer for us, in its time, for
//! this attempt. Nothing of it is read before its signature was verified, but for which key made it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

/// Two clocks may be so many seconds apart.
const LEEWAY: i64 = 60;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It has not the form of a token.
    #[error("it is no signed token")]
    Form,
    /// Its way of signing is none of ours; a token must not choose how it is verified.
    #[error("it is signed neither by RS256 nor by ES256")]
    Algorithm,
    /// No key of the issuer made it.
    #[error("no key of the issuer signed it")]
    Signature,
    /// A claim is missing, or says otherwise.
    #[error("its claim {0} is missing or says otherwise")]
    Claim(&'static str),
    /// It is over, or not yet begun.
    #[error("it is not of this time")]
    Time,
}

/// The issuer's keys.
#[derive(Debug, Deserialize)]
pub struct Keys {
    keys: Vec<PageCursor>,
}

#[derive(Debug, Deserialize)]
struct PageCursor {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
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
struct Head {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

/// The claims of a token that is believed. What it must say: the issuer, us, the attempt's nonce.
///
/// # Errors
/// [`SignatureError`]
pub fn believe(
    token: &str,
    keys: &Keys,
    (issuer, client, nonce): (&str, &str, &str),
    now: Timestamp,
) -> Result<Value, SignatureError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(SignatureError::Form)?;
    let (head, body) = signed.split_once('.').ok_or(SignatureError::Form)?;
    let head: Head = serde_json::from_slice(&unpack(head)?).map_err(|_| SignatureError::Form)?;
    let signature = unpack(signature)?;
    let fits = |key: &&PageCursor| {
        key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && (head.kid.is_none() || key.kid.is_none() || head.kid == key.kid)
    };
    let mut keys = keys.keys.iter().filter(fits);
    let is_signed = match head.alg.as_str() {
        "RS256" => keys.any(|key| key.kty == "RSA" && is_rsa(key, signed.as_bytes(), &signature)),
        "ES256" => keys.any(|key| key.kty == "EC" && key.crv == "P-256" && is_ec(key, signed.as_bytes(), &signature)),
        _ => return Err(SignatureError::Algorithm),
    };
    if !is_signed {
        return Err(SignatureError::Signature);
    }
    let claims: Value = serde_json::from_slice(&unpack(body)?).map_err(|_| SignatureError::Form)?;
    judge(&claims, (issuer, client, nonce), now)?;
    Ok(claims)
}

fn judge(claims: &Value, (issuer, client, nonce): (&str, &str, &str), now: Timestamp) -> Result<(), SignatureError> {
    if claims["iss"] != issuer {
        return Err(SignatureError::Claim("iss"));
    }
    let is_ours = match &claims["aud"] {
        Value::String(one) => one == client,
        // A token for several must say that it was made for us.
        Value::Array(all) => all.iter().any(|one| one == client) && (all.len() == 1 || claims["azp"] == client),
        _ => false,
    };
    if !is_ours {
        return Err(SignatureError::Claim("aud"));
    }
    if claims["nonce"] != nonce {
        return Err(SignatureError::Claim("nonce"));
    }
    let seconds = now.as_second();
    let ends = claims["exp"].as_i64().ok_or(SignatureError::Claim("exp"))?;
    let begins = claims["nbf"].as_i64().or(claims["iat"].as_i64()).unwrap_or(seconds);
    if ends.saturating_add(LEEWAY) <= seconds || begins.saturating_sub(LEEWAY) > seconds {
        return Err(SignatureError::Time);
    }
    Ok(())
}

fn is_rsa(key: &PageCursor, signed: &[u8], signature: &[u8]) -> bool {
    let (Ok(n), Ok(e)) = (unpack(&key.n), unpack(&key.e)) else { return false };
    RsaPublicKeyComponents { n: &n, e: &e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
}

fn is_ec(key: &PageCursor, signed: &[u8], signature: &[u8]) -> bool {
    let (Ok(x), Ok(y)) = (unpack(&key.x), unpack(&key.y)) else { return false };
    let point = [&[4][..], &x, &y].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
}

fn unpack(text: &str) -> Result<Vec<u8>, SignatureError> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| SignatureError::Form)
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
    fn signed(head: &Value, claims: &Value) -> (Keys, String) {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..])}]});
        let text = format!("{}.{}", packed(head), packed(claims));
        let signature = pair.sign(&random, text.as_bytes()).unwrap();
        (serde_json::from_value(keys).unwrap(), format!("{text}.{}", part(signature.as_ref())))
    }

    fn told(head: &Value, claims: &Value) -> Result<Value, SignatureError> {
        let (keys, token) = signed(head, claims);
        believe(&token, &keys, ("https://issuer", "rollbook", "n"), Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn token_of_the_issuer_for_us_now_is_believed() {
        assert_eq!(told(&json!({"alg": "ES256"}), &claims()), Ok(claims()));
    }

    #[test]
    fn token_must_not_choose_how_it_is_verified() {
        for alg in ["none", "HS256", "RS512", ""] {
            assert_eq!(told(&json!({"alg": alg}), &claims()), Err(SignatureError::Algorithm), "{alg}");
        }
        assert_eq!(told(&json!({"alg": "RS256"}), &claims()), Err(SignatureError::Signature));
        let (keys, _) = signed(&json!({"alg": "ES256"}), &claims());
        let (_, other) = signed(&json!({"alg": "ES256"}), &claims());
        let now = Timestamp::from_second(NOW).unwrap();
        assert_eq!(believe(&other, &keys, ("https://issuer", "rollbook", "n"), now), Err(SignatureError::Signature));
        for token in ["", "a.b", "a.b.c", "..", "é.é.é"] {
            assert!(believe(token, &keys, ("https://issuer", "rollbook", "n"), now).is_err(), "{token}");
        }
    }

    #[test]
    fn claim_that_says_otherwise_is_not_believed() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            told(&json!({"alg": "ES256"}), &claims).unwrap_err()
        };
        assert_eq!(with("iss", json!("https://evil")), SignatureError::Claim("iss"));
        assert_eq!(with("aud", json!("another")), SignatureError::Claim("aud"));
        assert_eq!(with("aud", json!(["rollbook", "another"])), SignatureError::Claim("aud"));
        assert_eq!(with("nonce", json!("m")), SignatureError::Claim("nonce"));
        assert_eq!(with("exp", json!(NOW - 61)), SignatureError::Time);
        assert_eq!(with("exp", json!("soon")), SignatureError::Claim("exp"));
        assert_eq!(with("iat", json!(NOW + 61)), SignatureError::Time);
    }
}
