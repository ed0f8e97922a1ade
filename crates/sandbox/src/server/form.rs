//! Query strings, form bodies and Base64.

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

/// Decodes `%41` and `+`.
pub(crate) fn decode(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let escaped = raw.get(at + 1).zip(raw.get(at + 2));
        let byte = match (raw[at], escaped) {
            (b'+', _) => b' ',
            (b'%', Some((&high, &low))) => match (nibble(high), nibble(low)) {
                (Some(high), Some(low)) => {
                    at += 2;
                    high * 16 + low
                }
                _ => b'%',
            },
            (plain, _) => plain,
        };
        out.push(byte);
        at += 1;
    }
    out
}

fn nibble(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// The pairs of a query string as text; what is not UTF-8 is replaced.
pub(crate) fn text_pairs(raw: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    pairs(raw.as_bytes()).map(move |(name, value)| (text(name), text(value)))
}

/// Base64; anything outside its alphabet is skipped.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0);
    for &letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// Base64 for addresses, without padding, as in a JWT.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 2);
    for chunk in bytes.chunks(3) {
        let mut bits = 0u32;
        for place in 0..3 {
            bits = (bits << 8) | u32::from(chunk.get(place).copied().unwrap_or(0));
        }
        for place in 0..=chunk.len() {
            let six = (bits >> (18 - 6 * place)) & 63;
            out.push(char::from(ALPHABET[six as usize]));
        }
    }
    out
}

/// Percent encoding of everything but letters, digits and `-_.~`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
