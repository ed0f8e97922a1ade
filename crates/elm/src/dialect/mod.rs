//! Feed dialects: how one kind of source is asked, and how its pages become rows. One file each; docs/DIALECTS.md shows
//! how to add one.
//!
//! What a record means is never decided here: rows go on to `rollbook_core::model::RecordFormat`, the same for all.

mod csv;
pub(crate) mod dates;
pub(crate) mod envelope;
mod json;
mod odata_v2;
mod odata_v4;
mod salvage;

pub use self::csv::Csv;
pub use dates::DateStyle;
pub use json::Json;
pub use odata_v2::ODataV2;
pub use odata_v4::ODataV4;

use crate::client::Question;
use rollbook_remote::words::Words;
use serde_json::{Map, Value};
use std::fmt;

/// Every dialect; the configuration names one of them.
pub const DIALECTS: [&dyn Dialect; 4] = [&ODataV4, &ODataV2, &Csv, &Json];

/// The dialect of this name.
pub fn find_dialect(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.into_iter().find(|dialect| dialect.name() == name)
}

/// One kind of source.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// The word in the configuration.
    fn name(&self) -> &'static str;

    /// The media type that is asked for.
    fn accept(&self) -> &'static str {
        "application/json"
    }

    /// How a point in time is written, unless the configuration says otherwise.
    fn literal(&self) -> Literal {
        Literal::QuotedLocal
    }

    /// The options of the first page's address, each `name=value` and escaped. `None`: the source takes no question and
    /// gives all it has, so that the reader picks out what was asked for.
    fn question(&self, question: &Question<'_>) -> Option<Vec<String>>;

    /// Reads one page: UTF-8, but for damage. It must never drop a row, and never take an error page for an empty one.
    ///
    /// # Errors
    /// [`PageError`]
    fn read_page(&self, body: &[u8]) -> Result<Page, PageError>;
}

/// How a point in time is written in a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Literal {
    /// `'2026-11-23 07:26:58'`, local time of the feed's zone without offset: what CData is asked.
    #[default]
    QuotedLocal,
    /// `2026-11-23T15:26:58Z`, as OData v4 has it.
    DateTimeOffset,
    /// `datetime'2026-11-23T15:26:58'`, OData v2, in UTC.
    DateTimeUtc,
    /// `datetime'2026-11-23T07:26:58'`, OData v2, in the feed's zone.
    DateTimeLocal,
    /// `datetimeoffset'2026-11-23T15:26:58Z'`, OData v2.
    DateTimeOffsetV2,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// `'2026-11-23'`: whole days of the feed's zone.
    Date,
    /// `'11/23/2026 7:26:58 AM'`, in the feed's zone.
    Us,
}

impl Literal {
    /// Every way, by its word in the configuration.
    pub const ALL: [(&'static str, Self); 9] = [
        ("quoted-local", Self::QuotedLocal),
        ("date-time-offset", Self::DateTimeOffset),
        ("datetime", Self::DateTimeUtc),
        ("datetime-local", Self::DateTimeLocal),
        ("datetimeoffset", Self::DateTimeOffsetV2),
        ("epoch-seconds", Self::EpochSeconds),
        ("epoch-milliseconds", Self::EpochMilliseconds),
        ("date", Self::Date),
        ("us", Self::Us),
    ];

    /// The way of a word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, literal)| literal)
    }
}

/// One element of a page.
#[derive(Clone, PartialEq)]
pub enum FeedRow {
    /// An object, as it came.
    Record(Map<String, Value>),
    /// Something else: a row that nobody can use, kept so that it is counted and told of.
    Malformed {
        /// What it is: `null`, `a text`, `a number`, `a boolean`, `a list`.
        kind: &'static str,
    },
    /// A row whose text is damaged, as far as it can be read.
    Damaged {
        /// What can be read of it.
        row: Value,
        /// Where the damage is, and the text around it.
        place: String,
    },
}

impl fmt::Debug for FeedRow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(fields) => write!(out, "Record({} fields)", fields.len()),
            Self::Malformed { kind } => write!(out, "Malformed({kind})"),
            Self::Damaged { .. } => out.write_str("Damaged"),
        }
    }
}

impl From<Value> for FeedRow {
    fn from(value: Value) -> Self {
        let kind = match value {
            Value::Object(fields) => return Self::Record(fields),
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
        };
        Self::Malformed { kind }
    }
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its rows, in order.
    pub rows: Vec<FeedRow>,
    /// Where the next page is, as the source says it.
    pub next_link: Option<String>,
    /// How many rows there are in all, where the source says it.
    pub count: Option<u64>,
}

/// Why a 200 is no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageError {
    /// It is something else, or damaged beyond what can be saved: described, bounded.
    Malformed(String),
    /// It is an error of the source.
    Refused {
        /// The source's own code, or `no code`.
        code: String,
        /// The source's message.
        words: Words,
    },
}
