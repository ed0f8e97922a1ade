//! What holds for every row of a feed.

use super::config;
use super::inputs::{arbitrary_value, read, row};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use rollbook_core::model::{FeedRecord, Field, Fingerprint, normal, read_texts, separate_collisions};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An object with the feed's fields, each any JSON at all.
fn any_row() -> impl Strategy<Value = Value> {
    let fields = Field::ALL.map(Field::elm_name);
    let object = proptest::collection::btree_map(proptest::sample::select(fields.to_vec()), arbitrary_value(), 0..12);
    let object =
        object.prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()));
    prop_oneof![9 => object, 1 => arbitrary_value()]
}

fn text(row: &Value, field: Field) -> String {
    match &row[field.elm_name()] {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").unwrap_or(&text).to_owned()
        }
        _ => String::new(),
    }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn no_row_panics_and_each_has_the_originals_fingerprint(row in any_row()) {
        let record = read(&row);
        if row.is_object() {
            let text = |field| text(&row, field);
            let of = Fingerprint::of(
                &text(Field::DateCreated), &text(Field::Course), &text(Field::ShortName), &text(Field::State),
                &text(Field::Guid), &text(Field::Mail),
            );
            let identity = [Field::DateCreated, Field::Course, Field::Guid];
            // Without identity the whole row is covered.
            let has_identity = identity.into_iter().all(|field| !normal(&text(field)).is_empty());
            prop_assert_eq!(record.fingerprint == of, has_identity);
        }
        prop_assert_eq!(record.fingerprint.to_hex().parse(), Ok(record.fingerprint));
        for field in Field::ALL {
            prop_assert!(record.get(field).len() <= 1_004 && !record.get(field).contains('\0'));
        }
        if let Err(problem) = &record.reading {
            prop_assert!(!problem.to_string().is_empty());
        }
    }

    /// What could be read is read the same from the texts that a journal keeps; what was too long stays so.
    #[test]
    fn kept_texts_say_what_the_row_said(row in any_row()) {
        let record = read(&row);
        let again = read_texts(|field| record.get(field), &TimeZone::UTC);
        if record.reading.is_ok() {
            prop_assert_eq!(again, record.reading);
        }
    }

    #[test]
    fn told_apart_means_one_fingerprint_for_each_record(rows in proptest::collection::vec(row(), 0..12).prop_shuffle()) {
        let mut records: Vec<FeedRecord> = rows.iter().map(read).collect();
        separate_collisions(&mut records, |_| None);
        // As they came: texts that only their padding or case tells apart are two records that say the same.
        let covered = |record: &FeedRecord| {
            [Field::DateCreated, Field::Course, Field::ShortName, Field::State, Field::Guid, Field::Mail]
                .map(|field| record.raw(field).to_owned())
        };
        let of_texts: BTreeMap<_, _> = records.iter().map(|record| (covered(record), record.fingerprint)).collect();
        let prints: BTreeSet<_> = records.iter().map(|record| record.fingerprint).collect();
        prop_assert_eq!(of_texts.len(), prints.len());
        // Told apart again by what was stored, nothing changes.
        let stored: BTreeMap<_, _> = records.iter().map(|record| (record.fingerprint, record.text.clone())).collect();
        let mut again: Vec<FeedRecord> = rows.iter().map(read).collect();
        separate_collisions(&mut again, |print| stored.get(&print));
        for record in &again {
            prop_assert_eq!(of_texts[&covered(record)], record.fingerprint);
        }
    }
}
