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
    hex(&bytes)
}

/// What is kept of a secret. A secret of 256 random bits needs no salt and no slow hash.
pub fn hash_secret(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// A secret that follows from another, for one purpose: who knows it does not know the other.
pub fn derive(secret: &str, purpose: &str) -> String {
    hash_secret(&format!("{purpose}\n{secret}"))
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
