//! `$filter`: comparisons joined by `and`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::dialect::visible;
use super::query::{DATES, column};
use super::{Dates, Dialect, Elm, bad};
use crate::server::Reply;

/// One comparison.
#[derive(Debug)]
pub(super) struct Test {
    column: &'static str,
    relation: Relation,
    literal: Literal,
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

#[derive(Debug)]
enum Literal {
    Text(String),
    Number(i64),
    Moment(Timestamp),
}

/// Reads a whole `$filter`.
pub(super) fn read(text: &str, elm: &Elm, zone: &TimeZone) -> Result<Vec<Test>, Reply> {
    let mut words = words(text)?.into_iter();
    let mut tests = Vec::new();
    loop {
        let (Some(name), Some(relation), Some(literal)) = (words.next(), words.next(), words.next()) else {
            return Err(bad(format!("Syntax error in $filter: {text}")));
        };
        let column = column(&name)?;
        let relation = match relation.as_str() {
            "eq" => Relation::Equal,
            "gt" => Relation::Greater,
            "ge" => Relation::GreaterEqual,
            "lt" => Relation::Less,
            "le" => Relation::LessEqual,
            other => return Err(bad(format!("Unknown operator {other}"))),
        };
        let literal = literal_of(column, &literal, elm, zone)?;
        tests.push(Test { column, relation, literal });
        match words.next().as_deref() {
            None => return Ok(tests),
            Some("and") => {}
            Some(other) => return Err(bad(format!("Unexpected '{other}' in $filter"))),
        }
    }
}

fn literal_of(column: &str, word: &str, elm: &Elm, zone: &TimeZone) -> Result<Literal, Reply> {
    let refused = || bad(format!("Cannot compare {column} with {word}"));
    let inner = |text: &str| {
        let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        quoted.map(|inner| inner.replace("''", "'"))
    };
    if DATES.contains(&column) {
        let at = match (elm.dialect, elm.dates) {
            (_, Dates::EpochSeconds) => word.parse().ok().and_then(|number| Timestamp::from_second(number).ok()),
            (_, Dates::EpochMillis) => word.parse().ok().and_then(|number| Timestamp::from_millisecond(number).ok()),
            (Dialect::V2, _) => v2_moment(word, inner),
            (Dialect::V4, Dates::Us) => inner(word).and_then(|text| us_moment(&text, zone)),
            (Dialect::V4, Dates::DateOnly) => inner(word)
                .or(Some(word.to_owned()))
                .and_then(|text| text.parse().ok().and_then(|day| midnight(day, zone))),
            (Dialect::V4, _) => match inner(word) {
                Some(text) => moment(&text, zone),
                None => word.parse().ok(),
            },
        };
        return at.map(|at| Literal::Moment(visible(elm.dates, at, zone))).ok_or_else(refused);
    }
    match inner(word) {
        Some(text) => Ok(Literal::Text(text)),
        // 64-bit numbers may carry their letter in v2.
        None => word.trim_end_matches('L').parse().map(Literal::Number).map_err(|_| refused()),
    }
}

/// `datetime'2026-11-23T08:30:00'`, which means UTC, and `datetimeoffset'2026-11-23T08:30:00Z'`.
fn v2_moment(word: &str, inner: impl Fn(&str) -> Option<String>) -> Option<Timestamp> {
    if let Some(rest) = word.strip_prefix("datetimeoffset") {
        return inner(rest)?.parse().ok();
    }
    let text = inner(word.strip_prefix("datetime")?)?;
    let local: DateTime = text.parse().ok()?;
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn us_moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let time = DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text).ok();
    let day = || Date::strptime("%m/%d/%Y", text).ok().map(|day| day.at(0, 0, 0, 0));
    let zoned = time.or_else(day)?.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp())
}

fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// Splits at spaces, keeping quoted literals together with their quotes.
fn words(text: &str) -> Result<Vec<String>, Reply> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            '\'' => {
                quoted = !quoted;
                word.push(letter);
            }
            _ => word.push(letter),
        }
    }
    if quoted {
        return Err(bad(format!("Unclosed literal in {text}")));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

impl Test {
    /// A row whose date cannot be read passes every test of it, so that clients meet it.
    pub(super) fn passes(&self, row: &Value, dates: Dates, zone: &TimeZone) -> bool {
        let value = &row[self.column];
        let order = match &self.literal {
            Literal::Moment(wanted) => {
                let Some(at) = value.as_str().and_then(|text| moment(text, zone)) else {
                    return true;
                };
                visible(dates, at, zone).cmp(wanted)
            }
            Literal::Number(wanted) => match stored_number(value) {
                Some(stored) => stored.cmp(wanted),
                None => return false,
            },
            Literal::Text(wanted) => match value.as_str() {
                // Padding does not count in a comparison: the columns are CHAR.
                Some(stored) => stored.trim_end_matches(' ').cmp(wanted.trim_end_matches(' ')),
                None => return false,
            },
        };
        match self.relation {
            Relation::Equal => order.is_eq(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterEqual => order.is_ge(),
            Relation::Less => order.is_lt(),
            Relation::LessEqual => order.is_le(),
        }
    }
}

/// Newer feeds carry ids as text.
fn stored_number(value: &Value) -> Option<i64> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_i64().or(text)
}

/// A point in time with an offset, or local to the feed's zone without one.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp())
}
