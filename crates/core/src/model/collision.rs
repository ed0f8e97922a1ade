//! Different records that the original's fingerprint does not tell apart.
//!
//! Its recipe has no separators and casts the course id to an integer, so that GUID `A` with mail `bc@d.e` equals `Ab` with
//! `c@d.e`, and every course id that is a text is a 0. The recipe stays, since a history must be recognised; of records
//! that collide, one keeps it and the others get a fingerprint of their own.

use super::normal::normal;
use super::{FeedRecord, Field, Fingerprint, RecordText};

/// What the recipe covers.
const COVERED: [Field; 6] =
    [Field::DateCreated, Field::Course, Field::ShortName, Field::State, Field::Guid, Field::Mail];

/// Gives colliding records fingerprints of their own. `known` gives the texts under which a fingerprint was stored before;
/// nothing for what was taken over from an earlier system, whose texts may be written in another way. The same records
/// get the same fingerprints in every later run, as long as `known` gives what was stored.
pub fn tell_apart<'k>(records: &mut [FeedRecord], known: impl Fn(Fingerprint) -> Option<&'k RecordText>) {
    records.sort_by(|left, right| (left.fingerprint, &left.text).cmp(&(right.fingerprint, &right.text)));
    for same in records.chunk_by_mut(|left, right| left.fingerprint == right.fingerprint) {
        let stored = known(same[0].fingerprint).cloned();
        let keeper = stored.unwrap_or_else(|| same[0].text.clone());
        for record in same.iter_mut().filter(|record| !says_the_same(&record.text, &keeper)) {
            record.fingerprint = own_fingerprint(record);
        }
    }
}

fn says_the_same(left: &RecordText, right: &RecordText) -> bool {
    // What an older Rollbook kept may not be in its normal form.
    COVERED.iter().all(|field| match field {
        Field::State => normal(left.get(*field)).eq_ignore_ascii_case(&normal(right.get(*field))),
        field => normal(left.get(*field)) == normal(right.get(*field)),
    })
}

/// The texts with a separator after each, after the original's fingerprint, so that it is no other record's either.
fn own_fingerprint(record: &FeedRecord) -> Fingerprint {
    let original = record.fingerprint.to_hex();
    let texts = COVERED.iter().flat_map(|field| [record.get(*field).trim(), "\u{1f}"]);
    let parts: Vec<&str> = [original.as_str(), "\u{1f}"].into_iter().chain(texts).collect();
    Fingerprint::of_bytes(&parts)
}

#[cfg(test)]
mod tests {
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
        tell_apart(&mut forth, |_| None);
        tell_apart(&mut back, |_| None);
        assert_eq!(prints(&forth), prints(&back));
        assert_eq!(prints(&forth).values().collect::<BTreeSet<_>>().len(), 5);
    }

    #[test]
    fn record_that_was_stored_keeps_its_fingerprint_and_the_other_its_own() {
        let (first, second) = (record("ELM-2", "A", "bc@d.e"), record("ELM-1", "A", "bc@d.e"));
        let alone = |record: &FeedRecord, known: Option<&RecordText>| {
            let mut records = [record.clone()];
            tell_apart(&mut records, |_| known);
            records[0].fingerprint
        };
        assert_eq!(alone(&first, None), first.fingerprint);
        assert_eq!(alone(&first, Some(&first.text)), first.fingerprint);
        let own = alone(&second, Some(&first.text));
        assert_ne!(own, first.fingerprint);
        let mut both = [first.clone(), second.clone()];
        tell_apart(&mut both, |_| Some(&first.text));
        assert_eq!(prints(&both)["ELM-1 A bc@d.e"], own);
        assert_eq!(prints(&both)["ELM-2 A bc@d.e"], first.fingerprint);
    }

    #[test]
    fn record_that_came_twice_stays_one() {
        let mut records = [record("42", "A", "a@b.c"), record("42 ", "A ", "a@b.c")];
        records[1].fingerprint = records[0].fingerprint;
        tell_apart(&mut records, |_| None);
        assert_eq!(records[0].fingerprint, records[1].fingerprint);
    }
}
