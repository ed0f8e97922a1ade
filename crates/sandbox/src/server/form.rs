//! Query strings, form bodies, Base64 and MD5.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// Mails and headers come from strangers: padding and stray bits do not matter.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Everything but letters, digits and `-_.~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Splits `a=1&b=2` into decoded pairs. `+` is a space; a broken escape stays as it is.
pub(crate) fn pairs(raw: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    raw.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let cut = pair.iter().position(|&byte| byte == b'=');
        let (name, value) = match cut {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &pair[pair.len()..]),
        };
        (decode(name), decode(value))
    })
}

fn decode(raw: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}

/// The pairs of a query string as text; what is not UTF-8 is replaced.
pub(crate) fn text_pairs(raw: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    pairs(raw.as_bytes()).map(move |(name, value)| (text(name), text(value)))
}

/// Base64; anything outside its alphabet is skipped.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let clean: Vec<u8> = text.iter().copied().filter(alphabet).collect();
    LENIENT.decode(clean).unwrap_or_default()
}

/// Base64 for addresses, without padding, as in a JWT.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Percent encoding of everything but letters, digits and `-_.~`.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The MD5 sum in 32 hexadecimal digits.
pub(crate) fn md5_hex(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Name and password of a Basic header.
pub(crate) fn basic(header: &str) -> Option<(String, String)> {
    let bytes = base64(header.strip_prefix("Basic ")?.as_bytes());
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
