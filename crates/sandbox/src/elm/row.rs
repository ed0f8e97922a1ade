//! A record of the feed with CData's field names.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

/// A well-formed record; turn it into JSON with [`Value::from`] and spoil it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Number of the enrolment in the HR system.
    pub enrolment_id: i64,
    /// When the record was written, as it stands in the feed: ISO 8601 with an offset.
    pub date_created: String,
    /// When the learner acted, in the same form.
    pub course_state_date: String,
    /// The HR system's course number.
    pub course_identifier: i64,
    /// `Enrol` or `Suspend`.
    pub course_state: String,
    /// Class code.
    pub course_shortname: String,
    /// Course title.
    pub course_long_name: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Mail address.
    pub email: String,
    /// The person.
    pub guid: String,
}

/// The feed's first unique record id; the others follow from the enrolment number.
const RECORD_ID_BASE: i64 = 7_000_000;

impl FeedRow {
    /// An `Enrol` record created at the given time.
    pub fn enrol(guid: &str, email: &str, course_identifier: i64, created: Timestamp) -> Self {
        Self {
            enrolment_id: 500_000 + course_identifier,
            date_created: local(created),
            course_state_date: local(created),
            course_identifier,
            course_state: "Enrol".to_owned(),
            course_shortname: format!("ITEM-{course_identifier}-1"),
            course_long_name: format!("Course {course_identifier}"),
            first_name: "Given".to_owned(),
            last_name: "Family".to_owned(),
            email: email.to_owned(),
            guid: guid.to_owned(),
        }
    }

    /// A `Suspend` record created at the given time.
    pub fn suspend(guid: &str, email: &str, course_identifier: i64, created: Timestamp) -> Self {
        let mut row = Self::enrol(guid, email, course_identifier, created);
        row.course_state = "Suspend".to_owned();
        row
    }

    /// The same record with another enrolment number.
    #[must_use]
    pub fn numbered(mut self, enrolment_id: i64) -> Self {
        self.enrolment_id = enrolment_id;
        self
    }

    /// The same record with another word for its state.
    #[must_use]
    pub fn state(mut self, word: &str) -> Self {
        self.course_state = word.to_owned();
        self
    }

    /// The same record, which holds from another time on than it was written: `COURSE_STATE_DATE`.
    #[must_use]
    pub fn acted(mut self, at: Timestamp) -> Self {
        self.course_state_date = local(at);
        self
    }

    /// The same record with its times written at another offset from UTC, in hours. Records come at -8; the feed's zone
    /// may say otherwise.
    ///
    /// # Panics
    /// When the offset is more than 25 hours.
    #[must_use]
    pub fn at_offset(mut self, hours: i8) -> Self {
        for text in [&mut self.date_created, &mut self.course_state_date] {
            if let Ok(at) = text.parse::<Timestamp>() {
                *text = written_at(at, Offset::constant(hours));
            }
        }
        self
    }

    /// The record with one column spoilt: padded, emptied, of another type.
    pub fn with(self, column: &str, value: impl Into<Value>) -> Value {
        let mut row = Value::from(self);
        row[column] = value.into();
        row
    }

    /// The record without one of its columns.
    pub fn without(self, column: &str) -> Value {
        let mut row = Value::from(self);
        if let Some(fields) = row.as_object_mut() {
            fields.remove(column);
        }
        row
    }

    /// The same record with the person's names.
    #[must_use]
    pub fn named(mut self, first_name: &str, last_name: &str) -> Self {
        self.first_name = first_name.to_owned();
        self.last_name = last_name.to_owned();
        self
    }
}

/// ISO 8601 with milliseconds and the offset of Pacific standard time, as the feed writes it.
pub(crate) fn local(at: Timestamp) -> String {
    written_at(at, Offset::constant(-8))
}

pub(crate) fn written_at(at: Timestamp, offset: Offset) -> String {
    at.to_zoned(TimeZone::fixed(offset)).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

impl From<FeedRow> for Value {
    fn from(row: FeedRow) -> Self {
        let record = RECORD_ID_BASE + row.enrolment_id;
        json!({
            "record_enrol_id": record,
            "ENROLMENT_ID": row.enrolment_id,
            "date_created": row.date_created,
            "date_updated": Value::Null,
            "date_deleted": Value::Null,
            "COURSE_IDENTIFIER": row.course_identifier,
            "COURSE_STATE": row.course_state,
            "COURSE_STATE_DATE": row.course_state_date,
            "COURSE_SHORTNAME": row.course_shortname,
            "COURSE_LONG_NAME": row.course_long_name,
            "FIRST_NAME": row.first_name,
            "LAST_NAME": row.last_name,
            "EMAIL": row.email,
            "GUID": row.guid,
            "USER_STATE": "Active",
            "USER_EFFECTIVE_DATE": "2017-02-14",
            "PERSON_ID": record * 3,
            "ACTIVITY_ID": row.course_identifier + 1000,
            "OPRID": row.guid,
        })
    }
}
