//! Whether an event is authentic: an HMAC over its time and body, and a time within the window.
//!
//! The sender writes `x-rollbook-timestamp: 1795425260` (Unix seconds) and `x-rollbook-signature: sha256=…`, the HMAC-SHA256 of
//! `1795425260.` and the body, in hexadecimal digits, keyed with the link's secret. The journal refuses
//! a signature that it has seen.

use crate::auth::secrets::{from_hex, to_hex};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::time::Duration;

/// The header with the time.
pub const TIMESTAMP: &str = "x-rollbook-timestamp";
/// The header with the signature.
pub const SIGNATURE: &str = "x-rollbook-signature";

/// Why a signature is refused. It goes to our log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The time is no number of seconds.
    #[error("the time cannot be read")]
    UnreadableTime,
    /// The time is too far away, before or after.
    #[error("the time is outside of the window")]
    OutsideWindow,
    /// The signature is not in its form.
    #[error("the signature cannot be read")]
    UnreadableSignature,
    /// It is not this secret's signature of this event.
    #[error("the signature is wrong")]
    WrongSignature,
}

/// Verifies an event; gives its signature as 64 lower-case hexadecimal digits, by which it is known again.
///
/// # Errors
/// [`SignatureError`]
pub fn verify(
    secret: &[u8],
    window: Duration,
    now: Timestamp,
    (timestamp, signature): (&str, &str),
    body: &[u8],
) -> Result<String, SignatureError> {
    let seconds: i64 = timestamp.trim().parse().map_err(|_| SignatureError::UnreadableTime)?;
    let away = i128::from(now.as_second()) - i128::from(seconds);
    if away.unsigned_abs() > u128::from(window.as_secs()) {
        return Err(SignatureError::OutsideWindow);
    }
    let hex = signature.trim().strip_prefix("sha256=").ok_or(SignatureError::UnreadableSignature)?;
    let given = from_hex(hex).filter(|digest| digest.len() == 32).ok_or(SignatureError::UnreadableSignature)?;
    // Compared in constant time by the crate.
    mac(secret, timestamp.trim(), body).verify_slice(&given).map_err(|_| SignatureError::WrongSignature)?;
    Ok(to_hex(&given))
}

/// The signature header of an event, as a sender makes it.
pub fn sign(secret: &[u8], seconds: i64, body: &[u8]) -> String {
    let signed = mac(secret, &seconds.to_string(), body).finalize().into_bytes();
    format!("sha256={}", to_hex(&signed))
}

fn mac(secret: &[u8], timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("an HMAC takes a key of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of some length";
    const BODY: &[u8] = br#"{"user_id":42,"course_id":7}"#;
    const WINDOW: Duration = Duration::from_secs(300);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn verified(now: i64, timestamp: &str, signature: &str, body: &[u8]) -> Result<String, SignatureError> {
        verify(SECRET, WINDOW, at(now), (timestamp, signature), body)
    }

    #[test]
    fn signature_is_the_hmac_that_everybody_computes() {
        // printf '1795425260.{"user_id":42,"course_id":7}' | openssl dgst -sha256 -hmac 'a secret of some length'
        let signed = "sha256=cf3a5a26590eb792cc89766bb13e11665f7af4a10872cc1b1dfd765f35a46eb0";
        assert_eq!(sign(SECRET, 1_795_425_260, BODY), signed);
        assert_eq!(verified(1_795_425_260, "1795425260", signed, BODY).unwrap().len(), 64);
        assert!(
            verified(1_795_425_260, " 1795425260 ", &signed.to_uppercase().replace("SHA256", "sha256"), BODY).is_ok()
        );
    }

    #[test]
    fn event_of_another_time_body_or_secret_is_refused() {
        let signed = sign(SECRET, 1_000, BODY);
        let refused = |now, timestamp, body: &[u8]| verified(now, timestamp, &signed, body).unwrap_err();
        assert!(verified(1_300, "1000", &signed, BODY).is_ok() && verified(700, "1000", &signed, BODY).is_ok());
        assert_eq!([refused(1_301, "1000", BODY), refused(699, "1000", BODY)], [SignatureError::OutsideWindow; 2]);
        assert_eq!(refused(1_000, "1001", BODY), SignatureError::WrongSignature, "the time is signed too");
        assert_eq!(refused(1_000, "1000", b"{}"), SignatureError::WrongSignature);
        let other = verify(b"another", WINDOW, at(1_000), ("1000", &signed), BODY);
        assert_eq!(other, Err(SignatureError::WrongSignature));
        assert_eq!(refused(1_000, "-9223372036854775808", BODY), SignatureError::OutsideWindow);
        assert_eq!(refused(1_000, "soon", BODY), SignatureError::UnreadableTime);
    }

    #[test]
    fn signature_of_another_form_is_refused() {
        for signature in ["", "sha256=", "sha1=00", "sha256=zz", &format!("sha256={}", "é".repeat(32))] {
            assert_eq!(
                verified(1_000, "1000", signature, BODY),
                Err(SignatureError::UnreadableSignature),
                "{signature}"
            );
        }
    }
}
