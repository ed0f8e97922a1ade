//! One row of the ELM feed: its texts, its fingerprint, and what could be read from them.
//!
//! A row never fails to become a record: what cannot be read is a [`RecordProblem`] on it. Texts are kept in one packed
//! buffer, since a plan may hold a million records.

use super::{ElmCourseId, EnrolmentId, Fingerprint, Guid, Mail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// The fields of a feed record that Rollbook knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// When the ELM wrote the record.
    DateCreated,
    Course,
    ShortName,
    /// What HR wants: see [`super::StateWords`].
    State,
    /// The directory's id of the person.
    Guid,
    Mail,
    FirstName,
    LastName,
    /// The ELM's id of the enrolment.
    EnrolmentId,
    StateDate,
    /// The feed's own unique id of the record, on newer feeds.
    RecordId,
}

impl Field {
    /// All fields, in the order of their texts.
    pub const ALL: [Self; 11] = [
        Self::DateCreated,
        Self::Course,
        Self::ShortName,
        Self::State,
        Self::Guid,
        Self::Mail,
        Self::FirstName,
        Self::LastName,
        Self::EnrolmentId,
        Self::StateDate,
        Self::RecordId,
    ];

    /// The key of each field in the configuration.
    pub const KEYS: [(&str, Self); Self::ALL.len()] = [
        ("enrolment_id", Self::EnrolmentId),
        ("record_enrol_id", Self::RecordId),
        ("date_created", Self::DateCreated),
        ("course", Self::Course),
        ("course_state", Self::State),
        ("course_state_date", Self::StateDate),
        ("short_name", Self::ShortName),
        ("first_name", Self::FirstName),
        ("last_name", Self::LastName),
        ("mail", Self::Mail),
        ("guid", Self::Guid),
    ];

    /// The name that a CData feed uses, which is the default of the configuration.
    pub fn elm_name(self) -> &'static str {
        match self {
            Self::DateCreated => "date_created",
            Self::Course => "COURSE_IDENTIFIER",
            Self::ShortName => "COURSE_SHORTNAME",
            Self::State => "COURSE_STATE",
            Self::Guid => "GUID",
            Self::Mail => "EMAIL",
            Self::FirstName => "FIRST_NAME",
            Self::LastName => "LAST_NAME",
            Self::EnrolmentId => "ENROLMENT_ID",
            Self::StateDate => "COURSE_STATE_DATE",
            Self::RecordId => "record_enrol_id",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.elm_name())
    }
}

/// The texts of a record, packed; an absent or null field is an empty text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RecordText {
    buffer: Box<str>,
    ends: [u32; Field::ALL.len()],
}

impl RecordText {
    /// Packs the texts that `text_of` gives for each field. Texts past 4 GiB in sum are cut.
    pub fn pack<'a>(text_of: impl Fn(Field) -> &'a str) -> Self {
        let mut buffer = String::with_capacity(Field::ALL.iter().map(|field| text_of(*field).len()).sum());
        let mut ends = [0; Field::ALL.len()];
        for (end, field) in ends.iter_mut().zip(Field::ALL) {
            buffer.push_str(text_of(field));
            *end = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        }
        Self { buffer: buffer.into_boxed_str(), ends }
    }

    /// The text of one field.
    pub fn get(&self, field: Field) -> &str {
        let index = field as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.buffer.get(start as usize..self.ends[index] as usize).unwrap_or_default()
    }
}

impl fmt::Debug for RecordText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(Field::ALL.iter().map(|field| (field.elm_name(), self.get(*field)))).finish()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolState {
    /// The person shall be in the course.
    Enrol,
    /// The person shall not be active in the course.
    Suspend,
}

impl EnrolState {
    /// The state of a word that Rollbook wrote; case does not count.
    pub fn read(text: &str) -> Option<Self> {
        [Self::Enrol, Self::Suspend].into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enrol => "Enrol",
            Self::Suspend => "Suspend",
        }
    }
}

/// What was read from a good record; the rest stays in the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub state: EnrolState,
    /// When the learner acted; the creation date where the feed does not say.
    pub changed: Timestamp,
    /// When the ELM wrote the record.
    pub created: Timestamp,
}

/// How new a record is among those of its person and course: the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    pub changed: Timestamp,
    /// When the ELM wrote the record.
    pub created: Timestamp,
    /// The feed's own number of the record, on newer feeds.
    pub number: Option<u64>,
}

/// Why a record is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordProblem {
    /// The field that is wrong.
    pub field: Field,
    /// What is wrong with it.
    pub why: ProblemKind,
    /// The word or the place that is meant, at most 200 characters; may be empty.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub detail: Box<str>,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Absent, null or blank.
    Missing,
    WrongType,
    /// Over the limit of 1,000 bytes.
    TooLong,
    /// Not a date and time.
    NotADate,
    /// None of the words that the feed's states have.
    UnknownState,
    /// A state that means: not enrolled yet. Nothing is wrong, and nothing is done.
    NotYet,
    /// A state that the operator wants to be ignored. Nothing is wrong, and nothing is done.
    IgnoredState,
    /// A NUL character, or the sign (U+2400) in whose place it is kept.
    Unstorable,
    /// The row is no JSON object.
    NotAnObject,
    /// The row's text is damaged: a broken escape, a byte of another encoding.
    Damaged,
    /// A record of another person or course has the same fingerprint.
    SameFingerprint,
}

impl RecordProblem {
    /// A problem that the field and its kind describe.
    pub fn new(field: Field, why: ProblemKind) -> Self {
        Self { field, why, detail: Box::default() }
    }

    /// The same with the word or place that is meant, cut to 200 characters.
    #[must_use]
    pub fn with(self, detail: &str) -> Self {
        Self { detail: detail.chars().take(200).collect::<String>().into_boxed_str(), ..self }
    }

    /// Whether the record is well and its state means that nothing is to be done.
    pub fn is_set_aside(&self) -> bool {
        matches!(self.why, ProblemKind::NotYet | ProblemKind::IgnoredState)
    }
}

impl fmt::Display for RecordProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, why, detail } = self;
        match why {
            ProblemKind::Missing => write!(out, "{field} is missing"),
            ProblemKind::WrongType => write!(out, "{field} is neither text nor number"),
            ProblemKind::TooLong => write!(out, "{field} is longer than 1,000 bytes"),
            ProblemKind::NotADate => write!(out, "{field} is not a date and time"),
            ProblemKind::UnknownState => write!(out, "{field} “{detail}” is not a known state"),
            ProblemKind::NotYet => write!(out, "{field} “{detail}” means not enrolled yet"),
            ProblemKind::IgnoredState => write!(out, "{field} “{detail}” is ignored by the configuration"),
            ProblemKind::Unstorable => write!(out, "{field} has a character that cannot be stored"),
            ProblemKind::NotAnObject if detail.is_empty() => out.write_str("the row is no JSON object"),
            ProblemKind::NotAnObject => write!(out, "the row is no JSON object ({detail})"),
            ProblemKind::Damaged => write!(out, "the record's text is damaged ({detail})"),
            ProblemKind::SameFingerprint => {
                out.write_str("a record of another person or course has the same fingerprint")
            }
        }
    }
}

/// The texts as they came, of the fields in which the normal form differs; most records have none.
pub type RawTexts = Box<[(Field, Box<str>)]>;

/// One row of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRecord {
    /// What it is recognised by.
    pub fingerprint: Fingerprint,
    /// Its texts in their normal form; one that is too long is cut just past the limit of 1,000 bytes.
    pub text: RecordText,
    /// What the normal form changed.
    pub raw: RawTexts,
    /// What could be read from them.
    pub reading: Result<Reading, RecordProblem>,
}

impl FeedRecord {
    /// The text of one field, in its normal form.
    pub fn get(&self, field: Field) -> &str {
        self.text.get(field)
    }

    /// The text of one field as it came.
    pub fn raw(&self, field: Field) -> &str {
        self.raw.iter().find(|(raw, _)| *raw == field).map_or_else(|| self.get(field), |(_, text)| text)
    }

    /// How new it is; `None` where it could not be read.
    pub fn age(&self) -> Option<Age> {
        let Reading { state: _, changed, created } = *self.reading.as_ref().ok()?;
        Some(Age { changed, created, number: self.get(Field::RecordId).trim().parse().ok() })
    }

    /// Whether both are of one person (ASCII case does not count) and one course.
    pub fn same_pair(&self, other: &Self) -> bool {
        self.pair_order(other) == Ordering::Equal
    }

    /// Whether both are of one person (ASCII case does not count).
    pub fn same_person(&self, other: &Self) -> bool {
        folded(self.get(Field::Guid)).eq(folded(other.get(Field::Guid)))
    }

    /// Orders by person (ASCII case does not count), then course.
    pub fn pair_order(&self, other: &Self) -> Ordering {
        let people = folded(self.get(Field::Guid)).cmp(folded(other.get(Field::Guid)));
        people.then_with(|| self.get(Field::Course).trim().cmp(other.get(Field::Course).trim()))
    }

    /// A hash of the folded GUID (FNV-1a): the same for one person, and nearly always another for another.
    pub(crate) fn person_hash(&self) -> u64 {
        let mix = |hash: u64, letter: u8| (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3);
        folded(self.get(Field::Guid)).fold(0xcbf2_9ce4_8422_2325, mix)
    }

    pub fn guid(&self) -> Guid {
        Guid::new(self.get(Field::Guid).trim())
    }

    pub fn mail(&self) -> Mail {
        Mail::new(self.get(Field::Mail).trim())
    }

    /// The course, as the ELM names it.
    pub fn course(&self) -> ElmCourseId {
        ElmCourseId::new(self.get(Field::Course).trim())
    }

    /// The ELM's enrolment id; `None` where the feed gives none, which must never become a 0.
    pub fn enrolment_id(&self) -> Option<EnrolmentId> {
        Some(self.get(Field::EnrolmentId).trim()).filter(|text| !text.is_empty()).map(EnrolmentId::new)
    }
}

/// The letters in which two GUIDs are compared; the same as `Guid::folded`, without the copy.
fn folded(guid: &str) -> impl Iterator<Item = u8> {
    guid.trim().bytes().map(|byte| byte.to_ascii_lowercase())
}
