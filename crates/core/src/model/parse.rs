//! JSON row → [`FeedRecord`]: never fails, never panics; trouble becomes the record's [`RecordProblem`].

use super::Fingerprint;
use super::normal::normal;
use super::record::{EnrolState, FeedRecord, Field, ProblemKind, RawTexts, Reading, RecordProblem, RecordText};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
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

    /// The value of one field; the case of the column's name does not count where none has it exactly.
    pub fn find<'r>(&self, row: &'r Map<String, Value>, field: Field) -> Option<&'r Value> {
        self.find_entry(row, field).map(|(_, value)| value)
    }

    /// The same with the column's name as the row writes it.
    pub fn find_entry<'r>(&self, row: &'r Map<String, Value>, field: Field) -> Option<(&'r String, &'r Value)> {
        let name = self.get(field);
        row.get_key_value(name).or_else(|| row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
    }
}

/// The feed's words for what a record wants. Case and outer spaces do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWords {
    /// The person shall be in the course.
    pub enrol: Vec<String>,
    /// The person shall not be active in the course.
    pub suspend: Vec<String>,
    /// Nothing is to be done yet.
    pub not_yet: Vec<String>,
    /// Nothing is to be done.
    pub ignore: Vec<String>,
}

impl Default for StateWords {
    fn default() -> Self {
        let word = |state: EnrolState| vec![state.as_str().to_owned()];
        Self {
            enrol: word(EnrolState::Enrol),
            suspend: word(EnrolState::Suspend),
            not_yet: Vec::new(),
            ignore: Vec::new(),
        }
    }
}

impl StateWords {
    /// What a word means; the problem names it.
    fn read(&self, word: &str) -> Result<EnrolState, RecordProblem> {
        let same = |known: &String| known == word || known.to_lowercase() == word.to_lowercase();
        let has = |words: &[String]| words.iter().any(same);
        let problem = |why| Err(RecordProblem::new(Field::State, why).with(word));
        if has(&self.enrol) {
            Ok(EnrolState::Enrol)
        } else if has(&self.suspend) {
            Ok(EnrolState::Suspend)
        } else if has(&self.not_yet) {
            problem(ProblemKind::NotYet)
        } else if has(&self.ignore) {
            problem(ProblemKind::IgnoredState)
        } else {
            problem(ProblemKind::UnknownState)
        }
    }
}

/// How the rows of a feed are read.
#[derive(Clone, Copy, Debug)]
pub struct RecordFormat<'a> {
    /// What the fields are called.
    pub names: &'a FieldNames,
    /// What the states are called.
    pub states: &'a StateWords,
    /// The zone of dates without offset.
    pub zone: &'a TimeZone,
}

impl RecordFormat<'_> {
    /// Reads one row.
    pub fn read(self, row: &Value) -> FeedRecord {
        read(row, self.names, self.states, self.zone)
    }

    /// A row whose text is damaged: it is kept under the name that can be read, and never used.
    pub fn read_damaged(self, row: &Value, place: &str) -> FeedRecord {
        let mut record = self.read(row);
        let why = if row.is_object() { ProblemKind::Damaged } else { ProblemKind::NotAnObject };
        record.reading = Err(RecordProblem::new(Field::RecordId, why).with(place));
        // What HR mends later is another record, even where the fingerprint would not cover the damage.
        record.fingerprint = Fingerprint::of_bytes(&["damaged", &row.to_string()]);
        record
    }
}

/// Reads one row with the states `Enrol` and `Suspend`. A date without offset is taken in `zone`.
pub fn read_record(row: &Value, names: &FieldNames, zone: &TimeZone) -> FeedRecord {
    read(row, names, &StateWords::default(), zone)
}

fn read(row: &Value, names: &FieldNames, states: &StateWords, zone: &TimeZone) -> FeedRecord {
    let Value::Object(row) = row else {
        let problem = RecordProblem::new(Field::RecordId, ProblemKind::NotAnObject);
        let fingerprint = Fingerprint::of_bytes(&["not an object", &row.to_string()]);
        let (text, raw) = (RecordText::default(), RawTexts::default());
        return FeedRecord { fingerprint, text, raw, reading: Err(problem) };
    };
    let came = Field::ALL.map(|field| text_of(names.find(row, field)));
    let raw = |field: Field| came[field as usize].as_deref().unwrap_or_default();
    let mut texts = Field::ALL.map(|field| keep(normal(raw(field))));
    let state = states.read(&texts[Field::State as usize]);
    if let Ok(state) = state {
        texts[Field::State as usize] = Cow::Borrowed(state.as_str());
    }
    let text = |field: Field| &*texts[field as usize];
    let wrong_type = Field::ALL.into_iter().find(|field| came[*field as usize].is_none());
    let reading = match wrong_type {
        Some(field) => Err(RecordProblem::new(field, ProblemKind::WrongType)),
        None => read_with(text, |_| state.clone(), zone),
    };
    let differs = |field: &Field| raw(*field) != text(*field);
    let kept = Field::ALL.into_iter().filter(differs).map(|field| (field, keep(raw(field).into()).as_ref().into()));
    let (packed, kept) = (RecordText::pack(text), kept.collect());
    FeedRecord { fingerprint: fingerprint_of(row, raw), text: packed, raw: kept, reading }
}

/// The original's fingerprint, over the texts as they came. Without person, course or date it would fold different rows
/// into one: then it covers the whole row.
fn fingerprint_of<'a>(row: &Map<String, Value>, raw: impl Fn(Field) -> &'a str) -> Fingerprint {
    let identity = [Field::DateCreated, Field::Course, Field::Guid];
    if identity.into_iter().any(|field| normal(raw(field)).is_empty()) {
        let row = serde_json::to_string(row).unwrap_or_default();
        return Fingerprint::of_bytes(&["no identity", &row]);
    }
    Fingerprint::of(
        raw(Field::DateCreated),
        raw(Field::Course),
        raw(Field::ShortName),
        raw(Field::State),
        raw(Field::Guid),
        raw(Field::Mail),
    )
}

/// Reads the texts that a journal kept; the same rules as for a row of the feed.
pub fn read_texts<'a>(text: impl Fn(Field) -> &'a str, zone: &TimeZone) -> Result<Reading, RecordProblem> {
    let texts = Field::ALL.map(|field| normal(text(field)));
    let words = StateWords::default();
    read_with(|field| &*texts[field as usize], |word| words.read(word), zone)
}

fn read_with<'a>(
    text: impl Fn(Field) -> &'a str,
    state: impl Fn(&str) -> Result<EnrolState, RecordProblem>,
    zone: &TimeZone,
) -> Result<Reading, RecordProblem> {
    if let Some(field) = Field::ALL.into_iter().find(|field| text(*field).len() > TEXT_BYTES_MAX) {
        return Err(RecordProblem::new(field, ProblemKind::TooLong));
    }
    if let Some(field) = Field::ALL.into_iter().find(|field| text(*field).contains(UNSTORABLE)) {
        return Err(RecordProblem::new(field, ProblemKind::Unstorable));
    }
    let needed = [Field::DateCreated, Field::Guid, Field::Course, Field::State];
    if let Some(field) = needed.into_iter().find(|field| text(*field).is_empty()) {
        return Err(RecordProblem::new(field, ProblemKind::Missing));
    }
    let state = state(text(Field::State))?;
    // A leaver's mailbox may be gone: who is suspended is known by the GUID alone.
    if state == EnrolState::Enrol && text(Field::Mail).is_empty() {
        return Err(RecordProblem::new(Field::Mail, ProblemKind::Missing));
    }
    let date = |field| read_date(text(field), zone).ok_or_else(|| RecordProblem::new(field, ProblemKind::NotADate));
    let created = date(Field::DateCreated)?;
    let changed = if text(Field::StateDate).is_empty() { created } else { date(Field::StateDate)? };
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
fn keep(text: Cow<'_, str>) -> Cow<'_, str> {
    let end = (TEXT_BYTES_MAX + 1..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
    if end == text.len() && !text.contains('\0') {
        return text;
    }
    Cow::Owned(text[..end].replace('\0', "\u{2400}"))
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
            ("COURSE_STATE", json!("Enroll"), "COURSE_STATE “Enroll” is not a known state"),
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
    fn padded_fields_are_read_alike_and_the_raw_text_is_kept() {
        for (field, raw, clean) in [
            (Field::Guid, "HFPS1   ", "HFPS1"),
            (Field::Guid, "HF\u{200b}PS1", "HFPS1"),
            (Field::State, "Enrol   ", "Enrol"),
            (Field::State, "enrol", "Enrol"),
            (Field::Course, "930001   ", "930001"),
            (Field::Mail, "HF.Ps1@Example.org\u{a0}", "HF.Ps1@Example.org"),
            (Field::LastName, "Jose\u{301}", "José"),
        ] {
            let mut row = good();
            row[field.elm_name()] = json!(raw);
            let record = read(&row);
            assert!(record.reading.is_ok(), "{raw:?}");
            assert_eq!((record.get(field), record.raw(field)), (clean, raw));
            assert_eq!(record.raw.len(), 1);
        }
        assert!(read(&good()).raw.is_empty());
    }

    #[test]
    fn names_of_columns_are_found_in_any_case() {
        let Value::Object(row) = good() else { panic!("a row is an object") };
        let lower = row.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
        assert_eq!(read(&Value::Object(lower)), read(&good()));
    }

    #[test]
    fn records_without_identity_are_never_folded_into_one() {
        let row = |name: &str| json!({"GUID": null, "FIRST_NAME": name});
        assert_ne!(read(&row("Ada")).fingerprint, read(&row("Bob")).fingerprint);
        assert_eq!(read(&row("Ada")).fingerprint, read(&row("Ada")).fingerprint);
    }

    #[test]
    fn words_of_the_feed_are_states_and_an_unknown_one_is_quoted() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let states = StateWords {
            enrol: words(&["ENRL", "INPO"]),
            suspend: words(&["CANC"]),
            not_yet: words(&["WTLT"]),
            ignore: words(&["COMP"]),
        };
        let format = RecordFormat { names: &FieldNames::default(), states: &states, zone: &TimeZone::UTC };
        let read = |word: &str| {
            let mut row = good();
            row["COURSE_STATE"] = json!(word);
            format.read(&row)
        };
        let enrolled = read("inpo ");
        assert_eq!(enrolled.reading.as_ref().map(|reading| reading.state), Ok(EnrolState::Enrol));
        assert_eq!((enrolled.get(Field::State), enrolled.raw(Field::State)), ("Enrol", "inpo "));
        assert_eq!(read("CANC").reading.map(|reading| reading.state), Ok(EnrolState::Suspend));
        for (word, says, set_aside) in [
            ("WTLT", "COURSE_STATE “WTLT” means not enrolled yet", true),
            ("COMP", "COURSE_STATE “COMP” is ignored by the configuration", true),
            ("Enrol", "COURSE_STATE “Enrol” is not a known state", false),
        ] {
            let problem = read(word).reading.unwrap_err();
            assert_eq!((problem.to_string().as_str(), problem.is_set_aside()), (says, set_aside));
        }
    }

    #[test]
    fn damaged_record_keeps_its_name_and_is_another_than_the_mended_one() {
        let format =
            RecordFormat { names: &FieldNames::default(), states: &StateWords::default(), zone: &TimeZone::UTC };
        let damaged = format.read_damaged(&good(), "page 1, byte 345");
        assert_eq!(damaged.guid().as_str(), "HFPS1");
        assert_eq!(damaged.reading.clone().unwrap_err().to_string(), "the record's text is damaged (page 1, byte 345)");
        assert_ne!(damaged.fingerprint, format.read(&good()).fingerprint);
    }

    #[test]
    fn suspend_needs_no_mail() {
        let mut row = good();
        row["EMAIL"] = json!(null);
        assert!(read(&row).reading.is_err());
        row["COURSE_STATE"] = json!("Suspend");
        assert!(read(&row).reading.is_ok());
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
