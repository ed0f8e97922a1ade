//! Percent decoding of query strings and form bodies.

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
