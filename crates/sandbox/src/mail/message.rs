//! One mail as it arrived, and what a reader would see of it: quoted-printable, Base64, and RFC 2047's encoded words in
//! headers.

use jiff::Timestamp;

use crate::server::form;

/// A mail that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Sender of the envelope; empty for bounces.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Headers and body as sent, dots unstuffed.
    pub raw: Vec<u8>,
    /// When it arrived.
    pub received_at: Timestamp,
}

impl Mail {
    /// The decoded subject.
    pub fn subject(&self) -> String {
        self.header("subject").unwrap_or_default()
    }

    /// A header, unfolded and decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let raw = String::from_utf8_lossy(&self.raw);
        header_of(&raw, name).map(|text| decode_header(&text))
    }

    /// The text parts, decoded, one after the other: plain text before HTML, as mails are built.
    pub fn text(&self) -> String {
        let raw = String::from_utf8_lossy(&self.raw);
        part_text(&raw)
    }
}

fn part_text(part: &str) -> String {
    let (_, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
    let kind = header_of(part, "content-type").unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("multipart/") {
        return parts_text(&kind, body);
    }
    if !kind.is_empty() && !kind.to_ascii_lowercase().starts_with("text/") {
        return String::new();
    }
    let encoding = header_of(part, "content-transfer-encoding").unwrap_or_default();
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "base64" => form::base64(body.as_bytes()),
        "quoted-printable" => quoted_printable(body.as_bytes()),
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parts_text(kind: &str, body: &str) -> String {
    let Some((_, after)) = kind.split_once("boundary=") else {
        return String::new();
    };
    let quoted = after.strip_prefix('"').and_then(|rest| rest.split('"').next());
    let boundary = quoted.unwrap_or_else(|| after.split(';').next().unwrap_or_default());
    let marker = format!("--{boundary}");
    let parts = body.split(marker.as_str()).skip(1);
    let inner = parts.take_while(|part| !part.starts_with("--"));
    inner.map(|part| part_text(part.strip_prefix("\r\n").unwrap_or(part))).collect()
}

fn header_of(part: &str, name: &str) -> Option<String> {
    let (head, _) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
    let mut lines = head.split("\r\n");
    let mut found = lines.by_ref().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })?;
    for folded in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        found.push(' ');
        found.push_str(folded.trim());
    }
    Some(found)
}

/// Quoted-printable, with soft line breaks removed.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
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
fn decode_header(text: &str) -> String {
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
