//! The fingerprint of a feed record: the bytes that the original plugin hashed, so that its history is recognised.
//!
//! Recipe: SHA-256 over `date_created` + the decimal integer of the course id + short name + state + GUID + mail, without
//! separators, each verbatim. The integer is PHP's cast. The enrolment id is not covered: two records that differ in
//! nothing else are one.

use crate::model::{FeedRecord, Field, RecordText, normal};
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

// Different records that the original's fingerprint does not tell apart.
//
// Its recipe has no separators and casts the course id to an integer, so that GUID `A` with mail `bc@d.e` equals `Ab` with
// `c@d.e`, and every course id that is a text is a 0. The recipe stays, since a history must be recognised; of records
// that collide, one keeps it and the others get a fingerprint of their own.

const COVERED: [Field; 6] =
    [Field::DateCreated, Field::Course, Field::ShortName, Field::State, Field::Guid, Field::Mail];

/// Gives colliding records fingerprints of their own. `known` gives the texts under which a fingerprint was stored before;
/// nothing for what was taken over from an earlier system, whose texts may be written in another way. The same records
/// get the same fingerprints in every later run, as long as `known` gives what was stored.
pub fn separate_collisions<'k>(records: &mut [FeedRecord], known: impl Fn(Fingerprint) -> Option<&'k RecordText>) {
    records.sort_by(|left, right| (left.fingerprint, &left.text).cmp(&(right.fingerprint, &right.text)));
    for same in records.chunk_by_mut(|left, right| left.fingerprint == right.fingerprint) {
        let stored = known(same[0].fingerprint).cloned();
        let keeper = stored.unwrap_or_else(|| same[0].text.clone());
        for record in same.iter_mut() {
            if !covers_the_same(&record.text, &keeper) {
                record.fingerprint = own_fingerprint(record, "");
            } else if let Some(enrolment) = other_enrolment(&record.text, &keeper).map(str::to_owned) {
                record.fingerprint = own_fingerprint(record, &enrolment);
            }
        }
    }
}

fn covers_the_same(left: &RecordText, right: &RecordText) -> bool {
    // What an older Rollbook kept may not be in its normal form.
    COVERED.iter().all(|field| match field {
        Field::State => normal(left.get(*field)).eq_ignore_ascii_case(&normal(right.get(*field))),
        field => normal(left.get(*field)) == normal(right.get(*field)),
    })
}

/// The enrolment id of a record that differs from another in nothing else: two classes that end at one moment are two
/// records.
fn other_enrolment<'r>(record: &'r RecordText, keeper: &RecordText) -> Option<&'r str> {
    let own = record.get(Field::EnrolmentId).trim();
    let kept = keeper.get(Field::EnrolmentId).trim();
    (!own.is_empty() && !kept.is_empty() && own != kept).then_some(own)
}

/// The texts with a separator after each, after the original's fingerprint, so that it is no other record's either.
fn own_fingerprint(record: &FeedRecord, enrolment: &str) -> Fingerprint {
    let original = record.fingerprint.to_hex();
    let texts = COVERED.iter().flat_map(|field| [record.get(*field).trim(), "\u{1f}"]);
    let parts: Vec<&str> = [original.as_str(), "\u{1f}"].into_iter().chain(texts).chain([enrolment]).collect();
    Fingerprint::of_bytes(&parts)
}

#[cfg(test)]
mod fingerprint_tests {
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

#[cfg(test)]
mod collision_tests {
    use super::*;
    use crate::model::{FieldNames, read_record};
    use jiff::tz::TimeZone;
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};

    fn record(course: &str, guid: &str, mail: &str) -> FeedRecord {
        let row = json!({
            "date_created": "2026-11-23T09:00:00Z", "COURSE_IDENTIFIER": course, "COURSE_SHORTNAME": "ITEM-1",
            "COURSE_STATE": "Enrol", "GUID": guid, "EMAIL": mail,
        });
        read_record(&row, &FieldNames::default(), &TimeZone::UTC)
    }

    fn prints(records: &[FeedRecord]) -> BTreeMap<String, Fingerprint> {
        let key = |record: &FeedRecord| format!("{} {} {}", record.course(), record.guid(), record.mail());
        records.iter().map(|record| (key(record), record.fingerprint)).collect()
    }

    #[test]
    fn different_records_of_one_fingerprint_are_told_apart_in_any_order() {
        let all = [
            record("ELM-1", "A", "bc@d.e"),
            record("ELM-2", "A", "bc@d.e"),
            record("ELM-2", "Ab", "c@d.e"),
            record("0042", "B", "b@d.e"),
            record("42", "B", "b@d.e"),
        ];
        assert_eq!(all.iter().map(|record| record.fingerprint).collect::<BTreeSet<_>>().len(), 2);
        let mut forth = all.to_vec();
        let mut back: Vec<_> = all.iter().rev().cloned().collect();
        separate_collisions(&mut forth, |_| None);
        separate_collisions(&mut back, |_| None);
        assert_eq!(prints(&forth), prints(&back));
        assert_eq!(prints(&forth).values().collect::<BTreeSet<_>>().len(), 5);
    }

    #[test]
    fn record_that_was_stored_keeps_its_fingerprint_and_the_other_its_own() {
        let (first, second) = (record("ELM-2", "A", "bc@d.e"), record("ELM-1", "A", "bc@d.e"));
        let alone = |record: &FeedRecord, known: Option<&RecordText>| {
            let mut records = [record.clone()];
            separate_collisions(&mut records, |_| known);
            records[0].fingerprint
        };
        assert_eq!(alone(&first, None), first.fingerprint);
        assert_eq!(alone(&first, Some(&first.text)), first.fingerprint);
        let own = alone(&second, Some(&first.text));
        assert_ne!(own, first.fingerprint);
        let mut both = [first.clone(), second.clone()];
        separate_collisions(&mut both, |_| Some(&first.text));
        assert_eq!(prints(&both)["ELM-1 A bc@d.e"], own);
        assert_eq!(prints(&both)["ELM-2 A bc@d.e"], first.fingerprint);
    }

    #[test]
    fn record_that_came_twice_stays_one() {
        let mut records = [record("42", "A", "a@b.c"), record("42 ", "A ", "a@b.c")];
        records[1].fingerprint = records[0].fingerprint;
        separate_collisions(&mut records, |_| None);
        assert_eq!(records[0].fingerprint, records[1].fingerprint);
    }
}
