//! Quoted-printable, and RFC 2047's encoded words in headers.

use crate::server::form;

/// Quoted-printable, with soft line breaks removed.
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escaped = (text[at] == b'=').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped {
            Some(b"\r\n") => at += 3,
            Some(digits) => {
                let digits = String::from_utf8_lossy(digits).into_owned();
                out.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
                at += 3;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// A header's text with its encoded words read as UTF-8.
pub(super) fn header(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let Some((word, length)) = encoded_word(&rest[start..]) else {
            break;
        };
        // White space between two encoded words does not count.
        if !(after_word && rest[..start].trim().is_empty()) {
            out.push_str(&rest[..start]);
        }
        out.push_str(&word);
        rest = &rest[start + length..];
        after_word = true;
    }
    out.push_str(rest);
    out
}

/// The word's text and the bytes that it takes up.
fn encoded_word(text: &str) -> Option<(String, usize)> {
    let mut parts = text[2..].splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (payload, _) = rest.split_once("?=")?;
    let bytes = if encoding.eq_ignore_ascii_case("b") {
        form::base64(payload.as_bytes())
    } else {
        quoted_printable(payload.replace('_', " ").as_bytes())
    };
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + payload.len() + 2;
    Some((String::from_utf8_lossy(&bytes).into_owned(), length))
}
