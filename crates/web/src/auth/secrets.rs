//! Secrets that nobody can guess, and what is kept of them.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use subtle::ConstantTimeEq;

/// Bytes of a secret: 256 bit.
const BYTES: usize = 32;

/// A new secret, as 64 hexadecimal digits.
pub fn make_secret() -> String {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot serve anybody");
    to_hex(&bytes)
}

/// What is kept of a secret. A secret of 256 random bits needs no salt and no slow hash.
pub fn hash_secret(secret: &str) -> String {
    to_hex(&Sha256::digest(secret.as_bytes()))
}

/// A secret that follows from another, for one purpose: whoever knows it does not know the other.
pub fn derive(secret: &str, purpose: &str) -> String {
    hash_secret(&format!("{purpose}\n{secret}"))
}

/// Compares in a time that does not tell where the texts differ.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Lower-case hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of hexadecimal digits in either case; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
