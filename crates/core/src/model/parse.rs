//! JSON row → [`FeedRecord`]: never fails, never panics; trouble becomes the record's [`RecordProblem`].

use super::Fingerprint;
use super::record::{EnrolState, FeedRecord, Field, ProblemKind, Reading, RecordProblem, RecordText};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::borrow::Cow;

/// A field's text may have so many bytes; Moodle's own columns end at 255.
const TEXT_BYTES_MAX: usize = 1_000;

/// What no journal can keep (PostgreSQL refuses it in a text), and the sign that is kept in its place.
const UNSTORABLE: [char; 2] = ['\0', '\u{2400}'];

/// What each field is called in the feed at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldNames([String; Field::ALL.len()]);

impl Default for FieldNames {
    fn default() -> Self {
        Self(Field::ALL.map(|field| field.elm_name().to_owned()))
    }
}

impl FieldNames {
    /// Gives one field another name.
    #[must_use]
    pub fn with(mut self, field: Field, name: impl Into<String>) -> Self {
        self.0[field as usize] = name.into();
        self
    }

    /// The name of one field.
    pub fn get(&self, field: Field) -> &str {
        &self.0[field as usize]
    }
}

/// Reads one row. A date without offset is taken in `zone`.
pub fn read_record(row: &Value, names: &FieldNames, zone: &TimeZone) -> FeedRecord {
    let Value::Object(row) = row else {
        let problem = RecordProblem { field: Field::RecordId, why: ProblemKind::NotAnObject };
        let fingerprint = Fingerprint::of_bytes(&["not an object", &row.to_string()]);
        return FeedRecord { fingerprint, text: RecordText::default(), reading: Err(problem) };
    };
    let texts = Field::ALL.map(|field| text_of(row.get(names.get(field))));
    let text = |field: Field| texts[field as usize].as_deref().unwrap_or_default();
    let fingerprint = Fingerprint::of(
        text(Field::DateCreated),
        text(Field::Course),
        text(Field::ShortName),
        text(Field::State),
        text(Field::Guid),
        text(Field::Mail),
    );
    let wrong_type = Field::ALL.into_iter().find(|field| texts[*field as usize].is_none());
    let reading = match wrong_type {
        Some(field) => Err(RecordProblem { field, why: ProblemKind::WrongType }),
        None => read_texts(text, zone),
    };
    let kept = Field::ALL.map(|field| keep(text(field)));
    FeedRecord { fingerprint, text: RecordText::pack(|field| &kept[field as usize]), reading }
}

/// Reads the texts that a journal kept; the same rules as for a row of the feed.
pub fn read_texts<'a>(text: impl Fn(Field) -> &'a str, zone: &TimeZone) -> Result<Reading, RecordProblem> {
    let problem = |field, why| RecordProblem { field, why };
    if let Some(field) = Field::ALL.into_iter().find(|field| text(*field).len() > TEXT_BYTES_MAX) {
        return Err(problem(field, ProblemKind::TooLong));
    }
    if let Some(field) = Field::ALL.into_iter().find(|field| text(*field).contains(UNSTORABLE)) {
        return Err(problem(field, ProblemKind::Unstorable));
    }
    let needed = [Field::DateCreated, Field::Guid, Field::Course, Field::State];
    if let Some(field) = needed.into_iter().find(|field| text(*field).trim().is_empty()) {
        return Err(problem(field, ProblemKind::Missing));
    }
    let date = |field| read_date(text(field), zone).ok_or(problem(field, ProblemKind::NotADate));
    let created = date(Field::DateCreated)?;
    let changed = if text(Field::StateDate).trim().is_empty() { created } else { date(Field::StateDate)? };
    let state = EnrolState::read(text(Field::State)).ok_or(problem(Field::State, ProblemKind::UnknownState))?;
    // A leaver's mailbox may be gone: a Suspend goes by the GUID alone.
    if state == EnrolState::Enrol && text(Field::Mail).trim().is_empty() {
        return Err(problem(Field::Mail, ProblemKind::Missing));
    }
    Ok(Reading { state, changed, created })
}

/// The text of a value; `None` for what is neither text, number nor null.
fn text_of(value: Option<&Value>) -> Option<Cow<'_, str>> {
    match value {
        None | Some(Value::Null) => Some(Cow::Borrowed("")),
        Some(Value::String(text)) => Some(Cow::Borrowed(text)),
        Some(Value::Number(number)) => {
            let text = number.to_string();
            // OData decimals may arrive as 32090.0; the id is 32090.
            Some(Cow::Owned(text.strip_suffix(".0").map_or(text.clone(), str::to_owned)))
        }
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    }
}

/// An instant, or a local date and time in `zone`.
fn read_date(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local: DateTime = text.parse().ok()?;
    zone.to_timestamp(local).ok()
}

/// The text that is kept of a field. What was wrong with it stays wrong when it is read again: a long text is cut just past
/// the limit, at a whole character.
fn keep(text: &str) -> Cow<'_, str> {
    let end = (TEXT_BYTES_MAX + 1..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
    let text = &text[..end];
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{2400}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "date_created": "2026-11-23T09:00:00.000-08:00", "COURSE_IDENTIFIER": 930001, "COURSE_SHORTNAME": "ITEM-1-1",
            "COURSE_STATE": "Enrol", "GUID": "HFPS1", "EMAIL": "HF.Ps1@Example.org", "FIRST_NAME": "Ps", "LAST_NAME": "One",
            "ENROLMENT_ID": 555001, "COURSE_STATE_DATE": "2026-11-23T08:59:00-08:00",
        })
    }

    fn read(row: &Value) -> FeedRecord {
        read_record(row, &FieldNames::default(), &TimeZone::UTC)
    }

    #[test]
    fn good_row_is_read_with_the_fingerprint_of_the_original() {
        let record = read(&good());
        let reading = record.reading.clone().unwrap();
        assert_eq!(record.fingerprint.to_hex(), "8a6d40cf99651430bfae09be9eeeff1be2118e81cca2e149200024667c5e27e7");
        assert_eq!(reading.state, EnrolState::Enrol);
        assert!(reading.changed < reading.created);
        assert_eq!(record.enrolment_id().unwrap().as_str(), "555001");
        assert_eq!(record.course().as_str(), "930001");
    }

    #[test]
    fn each_bad_field_is_named() {
        let cases = [
            ("GUID", json!(null), "GUID is missing"),
            ("GUID", json!("  "), "GUID is missing"),
            ("COURSE_IDENTIFIER", json!(null), "COURSE_IDENTIFIER is missing"),
            ("COURSE_STATE", json!(""), "COURSE_STATE is missing"),
            ("COURSE_STATE", json!("enrol"), "COURSE_STATE is neither Enrol nor Suspend"),
            ("date_created", json!(null), "date_created is missing"),
            ("date_created", json!("soon"), "date_created is not a date and time"),
            ("COURSE_STATE_DATE", json!("2026-13-01"), "COURSE_STATE_DATE is not a date and time"),
            ("EMAIL", json!(null), "EMAIL is missing"),
            ("EMAIL", json!(["a@b.c"]), "EMAIL is neither text nor number"),
            ("FIRST_NAME", json!({"a": 1}), "FIRST_NAME is neither text nor number"),
            ("LAST_NAME", json!("é".repeat(5_000_000)), "LAST_NAME is longer than 1,000 bytes"),
            ("FIRST_NAME", json!("Ja\0ne"), "FIRST_NAME has a character that cannot be stored"),
            ("GUID", json!("G\u{2400}"), "GUID has a character that cannot be stored"),
        ];
        for (field, value, words) in cases {
            let mut row = good();
            row[field] = value;
            let record = read(&row);
            assert_eq!(record.reading.clone().unwrap_err().to_string(), words);
            assert!(record.get(Field::LastName).len() <= TEXT_BYTES_MAX + 4);
        }
        assert_eq!(read(&json!(7)).reading.unwrap_err().to_string(), "the row is no JSON object");
        assert_ne!(read(&json!(7)).fingerprint, read(&json!(8)).fingerprint);
    }

    #[test]
    fn bad_texts_are_still_bad_when_they_are_read_from_a_journal() {
        for (field, value) in
            [("GUID", json!("G".repeat(5_000))), ("LAST_NAME", json!("é".repeat(900))), ("EMAIL", json!("a\0@b.c"))]
        {
            let mut row = good();
            row[field] = value;
            let record = read(&row);
            let again = read_texts(|field| record.get(field), &TimeZone::UTC);
            assert_eq!(again, record.reading);
            assert!(again.is_err() && Field::ALL.iter().all(|field| !record.get(*field).contains('\0')));
        }
        let mut row = good();
        row["LAST_NAME"] = json!("é".repeat(500));
        row["FIRST_NAME"] = json!("Jos\u{fffd}");
        assert!(read(&row).reading.is_ok());
    }

    #[test]
    fn missing_enrolment_id_is_none_and_never_zero() {
        for nothing in [json!(null), json!(""), json!("  ")] {
            let mut row = good();
            row["ENROLMENT_ID"] = nothing;
            let record = read(&row);
            assert!(record.reading.is_ok());
            assert_eq!(record.enrolment_id(), None);
        }
    }

    #[test]
    fn corrected_enrolment_id_leaves_the_fingerprint_and_is_kept() {
        let mut corrected = good();
        corrected["ENROLMENT_ID"] = json!("555002");
        let (before, after) = (read(&good()), read(&corrected));
        assert_eq!(before.fingerprint, after.fingerprint);
        assert_eq!(after.enrolment_id().unwrap().as_str(), "555002");
    }

    #[test]
    fn hour_that_comes_twice_or_never_is_read_all_the_same() {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get("America/Toronto").unwrap();
        let mut row = good();
        for (local, instant) in [
            // The first of the two, and one hour on where the clock skips it.
            ("2026-11-01 01:30:00", "2026-11-01T05:30:00Z"),
            ("2026-03-08 02:30:00", "2026-03-08T07:30:00Z"),
            ("2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00Z"),
        ] {
            row["COURSE_STATE_DATE"] = json!(local);
            let reading = read_record(&row, &FieldNames::default(), &zone).reading.unwrap();
            assert_eq!(reading.changed, instant.parse().unwrap(), "{local}");
        }
    }

    #[test]
    fn local_dates_are_taken_in_the_given_zone_and_numbers_keep_their_text() {
        let zone = TimeZone::fixed(jiff::tz::offset(-7));
        let mut row = good();
        row["COURSE_STATE_DATE"] = json!("2026-11-23 02:00:00");
        row["COURSE_IDENTIFIER"] = json!(32090.0);
        let record = read_record(&row, &FieldNames::default(), &zone);
        assert_eq!(record.reading.clone().unwrap().changed, "2026-11-23T09:00:00Z".parse().unwrap());
        assert_eq!(record.course().as_str(), "32090");
        row["COURSE_IDENTIFIER"] = json!("0032");
        assert_eq!(read(&row).course().as_str(), "0032");
    }

    #[test]
    fn feed_without_a_state_date_orders_by_creation() {
        let mut row = good();
        row["COURSE_STATE_DATE"] = json!(null);
        let reading = read(&row).reading.unwrap();
        assert_eq!(reading.changed, reading.created);
    }
}
