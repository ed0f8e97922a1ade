//! A feed record as the journal stores it: the eleven texts, what was read from them, and what they fold to.

use crate::store::{Row, row};
use crate::{JournalError, ms};
use jiff::tz::TimeZone;
use rollbook_core::model::{
    FeedRecord, Field, Fingerprint, ProblemKind, RawTexts, RecordProblem, RecordText, read_texts,
};

/// The column of a field.
fn column(field: Field) -> &'static str {
    match field {
        Field::DateCreated => "date_created",
        Field::Course => "course",
        Field::ShortName => "short_name",
        Field::State => "state",
        Field::Guid => "guid",
        Field::Mail => "mail",
        Field::FirstName => "first_name",
        Field::LastName => "last_name",
        Field::EnrolmentId => "enrolment_id",
        Field::StateDate => "state_date",
        Field::RecordId => "record_id",
    }
}

/// The columns of every field, for a `SELECT`.
pub(crate) const FIELDS: &str = "record.fingerprint, record.date_created, record.course, record.short_name,
    record.state, record.guid, record.mail, record.first_name, record.last_name, record.enrolment_id,
    record.state_date, record.record_id, record.problem, record.raw";

row! {
    /// A record on its way into the table. Course and enrolment id lose their outer spaces, because they are looked up by.
    pub(crate) struct StoredRecord<'a> {
        pub fingerprint: Fingerprint,
        pub date_created: &'a str,
        pub course: &'a str,
        pub short_name: &'a str,
        pub state: &'a str,
        pub guid: &'a str,
        pub mail: &'a str,
        pub first_name: &'a str,
        pub last_name: &'a str,
        pub enrolment_id: &'a str,
        pub state_date: &'a str,
        pub record_id: &'a str,
        pub problem: Option<String>,
        /// What the normal form changed, as JSON.
        pub raw: Option<String>,
        pub created_ms: Option<i64>,
        pub changed_ms: Option<i64>,
        pub guid_fold: String,
        pub mail_fold: String,
    } beside {
        pub person_search: String,
        pub course_search: String,
    }
}

impl<'a> StoredRecord<'a> {
    pub fn of(record: &'a FeedRecord) -> Self {
        let text = |field| record.get(field);
        let reading = record.reading.as_ref().ok();
        let guid_fold = record.guid().folded();
        let mail_fold = record.mail().folded();
        let (first, last) = (text(Field::FirstName).to_lowercase(), text(Field::LastName).to_lowercase());
        Self {
            fingerprint: record.fingerprint,
            date_created: text(Field::DateCreated),
            course: text(Field::Course).trim(),
            short_name: text(Field::ShortName),
            state: text(Field::State),
            guid: text(Field::Guid),
            mail: text(Field::Mail),
            first_name: text(Field::FirstName),
            last_name: text(Field::LastName),
            enrolment_id: text(Field::EnrolmentId).trim(),
            state_date: text(Field::StateDate),
            record_id: text(Field::RecordId),
            problem: record.reading.as_ref().err().and_then(lasting),
            raw: (!record.raw.is_empty()).then(|| serde_json::to_string(&record.raw).ok()).flatten(),
            created_ms: reading.map(|reading| ms(reading.created)),
            changed_ms: reading.map(|reading| ms(reading.changed)),
            person_search: format!("{guid_fold} {mail_fold} {first} {last}"),
            course_search: format!("{} {}", text(Field::Course).trim(), text(Field::ShortName)).to_lowercase(),
            guid_fold,
            mail_fold,
        }
    }
}

/// A problem that the kept texts no longer show: they were cut, or there was no text.
fn lasting(problem: &RecordProblem) -> Option<String> {
    match problem.why {
        ProblemKind::WrongType
        | ProblemKind::TooLong
        | ProblemKind::NotAnObject
        | ProblemKind::Unstorable
        | ProblemKind::Damaged
        | ProblemKind::NotYet
        | ProblemKind::IgnoredState => serde_json::to_string(problem).ok(),
        ProblemKind::Missing | ProblemKind::NotADate | ProblemKind::UnknownState | ProblemKind::SameFingerprint => None,
    }
}

/// The texts of a row of [`FIELDS`].
pub(crate) fn texts(row: &Row) -> Result<RecordText, JournalError> {
    let mut texts: [String; Field::ALL.len()] = Default::default();
    for (text, field) in texts.iter_mut().zip(Field::ALL) {
        *text = row.text(column(field))?;
    }
    Ok(RecordText::pack(|field| &texts[field as usize]))
}

/// The record of a row of [`FIELDS`]; dates without offset are taken in `zone`.
pub(crate) fn rebuild(row: &Row, zone: &TimeZone) -> Result<FeedRecord, JournalError> {
    let text = texts(row)?;
    let reading = match row.maybe_text("problem")? {
        Some(_) => Err(row.json::<RecordProblem>("problem")?),
        None => read_texts(|field| text.get(field), zone),
    };
    let fingerprint = row.word("fingerprint", |hex| hex.parse().ok())?;
    let raw = match row.maybe_text("raw")? {
        Some(_) => row.json("raw")?,
        None => RawTexts::default(),
    };
    Ok(FeedRecord { fingerprint, text, raw, reading })
}
