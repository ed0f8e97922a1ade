//! The fingerprint of a feed record: the bytes that the original plugin hashed, so that its history is recognised.
//!
//! Recipe: SHA-256 over `date_created` + the decimal integer of the course id + short name + state + GUID + mail, without
//! separators, each verbatim. The integer is PHP's cast. The enrolment id is not covered: two records that differ in
//! nothing else are one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// SHA-256 of one feed record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// Hashes the six texts in the order of the recipe; `course` is cast as PHP casts a text to an integer.
    pub fn of(date_created: &str, course: &str, short_name: &str, state: &str, guid: &str, mail: &str) -> Self {
        let course = php_integer(course).to_string();
        Self::of_bytes(&[date_created, &course, short_name, state, guid, mail])
    }

    /// Hashes any texts, one after the other; for rows that are no record at all.
    pub fn of_bytes(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// Lower-case hexadecimal, 64 digits.
    pub fn to_hex(self) -> String {
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
            .collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_hex()[..12])
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: Vec<u8> = text
            .trim()
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()
            .ok_or(NotAFingerprint)?;
        if digits.len() != 64 {
            return Err(NotAFingerprint);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// PHP's cast of a text to an integer: leading space, sign, digits, and a number with point or exponent truncated;
/// anything else is 0. Values past 64 bits saturate, as PHP's do for digit strings.
fn php_integer(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole_end = sign + digits(sign);
    let mut end = whole_end;
    let mut float = false;
    if text[end..].starts_with('.') {
        let fraction = digits(end + 1);
        if whole_end > sign || fraction > 0 {
            end += 1 + fraction;
            float = true;
        }
    }
    if end == sign {
        return 0;
    }
    if text[end..].starts_with(['e', 'E']) {
        let exponent_sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + exponent_sign);
        if exponent > 0 {
            end += 1 + exponent_sign + exponent;
            float = true;
        }
    }
    if float {
        #[expect(clippy::cast_possible_truncation, reason = "PHP truncates here too")]
        return text[..end].parse::<f64>().map_or(0, |number| number as i64);
    }
    let magnitude = text[..end].trim_start_matches('+').parse::<i64>();
    magnitude.unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_original_plugin_are_reproduced() {
        let of = |name: &str, state: &str, mail: &str| {
            Fingerprint::of(
                "2024-08-14T11:10:20.000-07:00",
                "32090",
                name,
                state,
                "0000DE7307A24F53B8DC558936D0000",
                mail,
            )
            .to_hex()
        };
        assert_eq!(
            of("ITEM-2162-1", "Suspend", "fizzbuzz@gov.bc.ca"),
            "44279ffc17533d295fa2d52bdc9bf07d66699730952a89cb21c0163d83fdbaa7"
        );
        assert_eq!(
            of("", "Enrol", "josé@gov.bc.ca"),
            "6628a75c017e895e2aa9d533e240f5c2786b5ab601b7d6b7be7273f4e7a45b2e"
        );
        let third = Fingerprint::of(
            "2026-11-23T09:00:00.000-08:00",
            "930001",
            "ITEM-1-1",
            "Enrol",
            "HFPS1",
            "HF.Ps1@Example.org",
        );
        assert_eq!(third.to_hex(), "8a6d40cf99651430bfae09be9eeeff1be2118e81cca2e149200024667c5e27e7");
        assert_eq!(third.to_hex().parse(), Ok(third));
    }

    #[test]
    fn course_ids_are_cast_as_php_does() {
        for (text, number) in [
            ("0123", 123),
            ("12.9", 12),
            ("1e3", 1000),
            ("abc", 0),
            ("", 0),
            ("-5", -5),
            (" 7x", 7),
            (".5", 0),
            ("1e", 1),
            ("é", 0),
            (".", 0),
        ] {
            assert_eq!(php_integer(text), number, "{text:?}");
        }
        assert_eq!(php_integer("99999999999999999999"), i64::MAX);
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in ["", "12", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NotAFingerprint), "{text:?}");
        }
    }
}
