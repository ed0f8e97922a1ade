//! How the HR system writes its records: OData v4 or v2, a JSON array or CSV; dates, names of columns, padding, and
//! bytes that no reader should have to meet.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::query::{DATES, moment, zone};
use super::{Elm, SERVICE_PATH};
use crate::server::Reply;

/// The protocol of the feed and of the list of completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OData v4, JSON: `value`, `@odata.nextLink`, bare or quoted times in `$filter`.
    V4,
    /// OData v2, JSON on demand and Atom otherwise: `d.results`, `__next`, `$inlinecount`, `datetime'…'`. A
    /// `datetime` literal has no offset and means UTC, as the dates in answers do.
    V2,
}

/// How points in time are written, in answers and in `$filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// As they stand in the rows: ISO 8601 with an offset.
    Iso,
    /// ISO 8601 without offset, in the feed's zone.
    Local,
    /// A number: seconds since 1970.
    EpochSeconds,
    /// A number: milliseconds since 1970.
    EpochMillis,
    /// `/Date(1795425260000)/`, what OData v2 writes.
    Microsoft,
    /// `2026-11-23`, in the feed's zone; `$filter` compares whole days.
    DateOnly,
    /// `11/23/2026 1:05:09 PM`, in the feed's zone.
    Us,
}

/// How the names of columns are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnCase {
    /// As they stand in the rows.
    AsIs,
    /// `guid`, `course_state`.
    Lower,
    /// `DATE_CREATED`.
    Upper,
}

/// How the file `enrolments.csv` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvStyle {
    /// Between fields; `,` or `;`.
    pub delimiter: char,
    /// Begin with a byte order mark.
    pub bom: bool,
}

/// Bytes inside one text of a record that are no JSON, or no UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The escape `\ud83d`, half of a character.
    LoneSurrogate,
    /// A tab that is not escaped.
    RawTab,
    /// `DOMAIN\lovelace`, where the backslash is not escaped.
    BadEscape,
    /// One byte of Latin-1, 0xF3 for `ó`, in a body that claims to be UTF-8.
    Latin1Byte,
}

impl Damage {
    fn bytes(self) -> &'static [u8] {
        match self {
            Damage::LoneSurrogate => b"\\ud83d",
            Damage::RawTab => b"\t",
            Damage::BadEscape => b"DOMAIN\\lovelace",
            Damage::Latin1Byte => b"\xF3",
        }
    }
}

/// Stands for the damage with this number until the body is bytes.
pub(super) fn marker(number: usize) -> String {
    format!("\u{E000}{number}\u{E001}")
}

/// A stored row as this server shows it.
pub(super) fn shown(elm: &Elm, row: &Value, collection: &str) -> Value {
    let Some(fields) = row.as_object() else {
        return row.clone();
    };
    let zone = zone(elm);
    let mut shown = Map::new();
    if elm.dialect == Dialect::V2 {
        let kind = format!("HR.{}", collection.trim_end_matches('s'));
        shown.insert("__metadata".to_owned(), json!({"type": kind}));
    }
    for (name, value) in fields {
        let value = match value {
            Value::String(text) if DATES.contains(&name.as_str()) => date(elm.dates, text, &zone),
            Value::Number(number) if elm.ids_as_text && name != "COURSE_IDENTIFIER" => json!(number.to_string()),
            Value::String(text) if elm.padding > 0 => json!(format!("{text:<width$}", width = elm.padding)),
            other => other.clone(),
        };
        let name = match elm.column_case {
            ColumnCase::AsIs => name.clone(),
            ColumnCase::Lower => name.to_lowercase(),
            ColumnCase::Upper => name.to_uppercase(),
        };
        shown.insert(name, value);
    }
    Value::Object(shown)
}

/// What cannot be read as a time is shown as it stands.
fn date(form: Dates, text: &str, zone: &TimeZone) -> Value {
    let Some(at) = moment(text, zone) else {
        return json!(text);
    };
    let local = at.to_zoned(zone.clone());
    match form {
        Dates::Iso => json!(text),
        Dates::Local => json!(local.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        Dates::EpochSeconds => json!(at.as_second()),
        Dates::EpochMillis => json!(at.as_millisecond()),
        Dates::Microsoft => json!(format!("/Date({})/", at.as_millisecond())),
        Dates::DateOnly => json!(local.strftime("%Y-%m-%d").to_string()),
        Dates::Us => json!(local.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()),
    }
}

/// The time as far as the form shows it: a date alone stands for its first moment.
pub(super) fn visible(form: Dates, at: Timestamp, zone: &TimeZone) -> Timestamp {
    if form != Dates::DateOnly {
        return at;
    }
    let day = at.to_zoned(zone.clone()).start_of_day();
    day.map_or(at, |day| day.timestamp())
}

/// One page of an answer, before it is written.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) collection: &'static str,
    pub(super) rows: Vec<Value>,
    pub(super) count: Option<i64>,
    pub(super) next: Option<String>,
    pub(super) host: String,
}

/// The page in the server's protocol.
pub(super) fn answer(elm: &Elm, page: Page, json_wanted: bool) -> Reply {
    let rows: Vec<Value> = page.rows.iter().map(|row| shown(elm, row, page.collection)).collect();
    let mut body = Map::new();
    match elm.dialect {
        Dialect::V4 => {
            let context = format!("http://{}{SERVICE_PATH}/$metadata#{}", page.host, page.collection);
            body.insert("@odata.context".to_owned(), context.into());
            if let Some(count) = page.count {
                body.insert("@odata.count".to_owned(), count.into());
            }
            if let Some(next) = page.next {
                body.insert("@odata.nextLink".to_owned(), next.into());
            }
            body.insert("value".to_owned(), rows.into());
            let bytes = bytes(elm, &Value::Object(body).to_string());
            Reply::new(200, content_type(elm, true), bytes).with("odata-version", "4.0")
        }
        Dialect::V2 if !json_wanted => {
            let feed = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"/>\n";
            Reply::new(200, "application/atom+xml;type=feed;charset=utf-8", feed.as_bytes().to_vec())
        }
        Dialect::V2 => {
            if let Some(count) = page.count {
                // 64-bit numbers are texts here.
                body.insert("__count".to_owned(), count.to_string().into());
            }
            body.insert("results".to_owned(), rows.into());
            if let Some(next) = page.next {
                body.insert("__next".to_owned(), next.into());
            }
            let bytes = bytes(elm, &json!({"d": body}).to_string());
            Reply::new(200, content_type(elm, false), bytes).with("dataserviceversion", "2.0")
        }
    }
}

fn content_type(elm: &Elm, minimal: bool) -> &'static str {
    match (elm.latin1, minimal) {
        (true, true) => "application/json; odata.metadata=minimal; charset=ISO-8859-1",
        (true, false) => "application/json; charset=ISO-8859-1",
        (false, true) => "application/json; odata.metadata=minimal",
        (false, false) => "application/json;charset=utf-8",
    }
}

/// All rows as an array, whatever was asked for: a file knows no query.
pub(super) fn json_file(elm: &Elm) -> Reply {
    let rows: Vec<Value> = elm.rows.iter().map(|row| shown_plain(elm, row)).collect();
    let kind = if elm.latin1 { "application/json; charset=ISO-8859-1" } else { "application/json" };
    Reply::new(200, kind, bytes(elm, &Value::Array(rows).to_string()))
}

/// All rows as CSV with the names in the first line, fields quoted where they must be.
pub(super) fn csv_file(elm: &Elm) -> Reply {
    let CsvStyle { delimiter, bom } = elm.csv;
    let rows: Vec<Value> = elm.rows.iter().map(|row| shown_plain(elm, row)).collect();
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let quoted = |text: &str| {
        let special = |letter: char| letter == delimiter || "\"\r\n".contains(letter);
        if text.contains(special) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    let line = |fields: Vec<String>| format!("{}\r\n", fields.join(&delimiter.to_string()));
    let mut text = if bom { "\u{FEFF}".to_owned() } else { String::new() };
    text.push_str(&line(names.iter().map(|name| quoted(name)).collect()));
    for row in &rows {
        let cell = |name: &&String| match &row[name.as_str()] {
            Value::Null => String::new(),
            Value::String(text) => quoted(text),
            other => other.to_string(),
        };
        text.push_str(&line(names.iter().map(cell).collect()));
    }
    let kind = if elm.latin1 { "text/csv; charset=ISO-8859-1" } else { "text/csv; charset=utf-8" };
    Reply::new(200, kind, bytes(elm, &text))
}

fn shown_plain(elm: &Elm, row: &Value) -> Value {
    let mut row = shown(elm, row, "");
    if let Some(fields) = row.as_object_mut() {
        fields.remove("__metadata");
    }
    row
}

/// The text in the server's charset, with the damage done.
fn bytes(elm: &Elm, text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{E000}') {
        encode(elm, before, &mut bytes);
        let Some((number, after)) = after.split_once('\u{E001}') else {
            rest = after;
            continue;
        };
        let damage = number.parse::<usize>().ok().and_then(|number| elm.damages.get(number));
        bytes.extend_from_slice(damage.map_or(b"", |damage| damage.bytes()));
        rest = after;
    }
    encode(elm, rest, &mut bytes);
    bytes
}

fn encode(elm: &Elm, text: &str, bytes: &mut Vec<u8>) {
    if !elm.latin1 {
        bytes.extend_from_slice(text.as_bytes());
        return;
    }
    for letter in text.chars() {
        bytes.push(u8::try_from(u32::from(letter)).unwrap_or(b'?'));
    }
}
