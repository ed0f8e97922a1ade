//! OData query options: `$filter`, `$orderby`, `$skiptoken`, `$count`. What a strict server would not take is a 400.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

use super::{Asked, Elm, bad};
use crate::server::{Reply, form};

/// Columns that can be filtered and sorted by; names match without regard to case.
const COLUMNS: [&str; 19] = [
    "record_enrol_id",
    "ENROLMENT_ID",
    "date_created",
    "date_updated",
    "date_deleted",
    "COURSE_IDENTIFIER",
    "COURSE_STATE",
    "COURSE_STATE_DATE",
    "COURSE_SHORTNAME",
    "COURSE_LONG_NAME",
    "FIRST_NAME",
    "LAST_NAME",
    "EMAIL",
    "GUID",
    "USER_STATE",
    "USER_EFFECTIVE_DATE",
    "PERSON_ID",
    "ACTIVITY_ID",
    "OPRID",
];
/// Columns that hold points in time.
const DATES: [&str; 4] = [
    "date_created",
    "date_updated",
    "date_deleted",
    "COURSE_STATE_DATE",
];

/// The options of one request.
#[derive(Debug, Default)]
pub(super) struct Query {
    tests: Vec<Test>,
    order: Vec<(&'static str, bool)>,
    pub(super) skip: usize,
    pub(super) count: bool,
    /// The query as sent, without `$skiptoken`.
    pub(super) rest: String,
}

#[derive(Debug)]
struct Test {
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

impl Query {
    pub(super) fn read(elm: &Elm, asked: &Asked) -> Result<Self, Reply> {
        let raw = asked.parts.uri.query().unwrap_or_default();
        if elm.strict_spaces && raw.contains('+') {
            return Err(bad("'+' is not a space here: encode spaces as %20"));
        }
        let mut query = Self::default();
        let zone = zone(elm);
        let mut kept = Vec::new();
        for (pair, (name, value)) in raw.split('&').zip(form::text_pairs(raw)) {
            let value = value.as_str();
            match name.as_str() {
                "$filter" => query.tests = filter(value, &zone)?,
                "$orderby" => query.order = order(value)?,
                "$skiptoken" => query.skip = number(value)?,
                "$count" => query.count = value == "true",
                "$top" | "$format" => {}
                option if option.starts_with('$') => {
                    return Err(bad(format!("Unknown query option {option}")));
                }
                // Options without a dollar sign belong to nobody and are ignored.
                _ => {}
            }
            if name != "$skiptoken" {
                kept.push(pair);
            }
        }
        query.rest = kept.join("&");
        Ok(query)
    }

    /// The rows that pass, in order. A row whose date cannot be read passes every test of it, so that clients meet it.
    pub(super) fn select<'a>(&self, elm: &Elm, rows: &'a [Value]) -> Vec<&'a Value> {
        let zone = zone(elm);
        let passing = rows.iter();
        let mut passing: Vec<&Value> = passing
            .filter(|row| self.tests.iter().all(|test| test.passes(row, &zone)))
            .collect();
        if self.order.is_empty() {
            return passing;
        }
        passing.sort_by_cached_key(|row| {
            let keys = self.order.iter();
            keys.map(|(column, descending)| Key {
                value: sort_value(&row[*column], column, &zone),
                descending: *descending,
            })
            .collect::<Vec<Key>>()
        });
        passing
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Key {
    value: (i128, String),
    descending: bool,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let ascending = self.value.cmp(&other.value);
        if self.descending {
            ascending.reverse()
        } else {
            ascending
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn sort_value(value: &Value, column: &str, zone: &TimeZone) -> (i128, String) {
    match value {
        Value::Number(number) => (number.as_i64().unwrap_or_default().into(), String::new()),
        Value::String(text) if DATES.contains(&column) => match moment(text, zone) {
            Some(at) => (at.as_nanosecond(), String::new()),
            None => (i128::MIN, text.clone()),
        },
        Value::String(text) => (0, text.clone()),
        _ => (i128::MIN, String::new()),
    }
}

impl Test {
    fn passes(&self, row: &Value, zone: &TimeZone) -> bool {
        let value = &row[self.column];
        let order = match &self.literal {
            Literal::Moment(wanted) => {
                let Some(at) = value.as_str().and_then(|text| moment(text, zone)) else {
                    return true;
                };
                at.cmp(wanted)
            }
            Literal::Number(wanted) => match stored_number(value) {
                Some(stored) => stored.cmp(wanted),
                None => return false,
            },
            Literal::Text(wanted) => match value.as_str() {
                Some(stored) => stored.cmp(wanted.as_str()),
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

fn filter(text: &str, zone: &TimeZone) -> Result<Vec<Test>, Reply> {
    let mut words = words(text)?.into_iter();
    let mut tests = Vec::new();
    loop {
        let (Some(name), Some(relation), Some(literal)) =
            (words.next(), words.next(), words.next())
        else {
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
        let literal = literal_of(column, &literal, zone)?;
        tests.push(Test {
            column,
            relation,
            literal,
        });
        match words.next().as_deref() {
            None => return Ok(tests),
            Some("and") => {}
            Some(other) => return Err(bad(format!("Unexpected '{other}' in $filter"))),
        }
    }
}

fn literal_of(column: &str, word: &str, zone: &TimeZone) -> Result<Literal, Reply> {
    let refused = || bad(format!("Cannot compare {column} with {word}"));
    let quoted = word
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    let Some(inner) = quoted else {
        if DATES.contains(&column) {
            let at: Timestamp = word.parse().map_err(|_| refused())?;
            return Ok(Literal::Moment(at));
        }
        return word.parse().map(Literal::Number).map_err(|_| refused());
    };
    let inner = inner.replace("''", "'");
    if DATES.contains(&column) {
        return moment(&inner, zone)
            .map(Literal::Moment)
            .ok_or_else(refused);
    }
    Ok(Literal::Text(inner))
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

fn order(text: &str) -> Result<Vec<(&'static str, bool)>, Reply> {
    let parts = text.split(',').map(|part| {
        let mut words = part.split_whitespace();
        let column = column(words.next().unwrap_or_default())?;
        match words.next() {
            None | Some("asc") => Ok((column, false)),
            Some("desc") => Ok((column, true)),
            Some(other) => Err(bad(format!("Unexpected '{other}' in $orderby"))),
        }
    });
    parts.collect()
}

fn column(name: &str) -> Result<&'static str, Reply> {
    let mut columns = COLUMNS.into_iter();
    let found = columns.find(|column| column.eq_ignore_ascii_case(name));
    found.ok_or_else(|| bad(format!("Could not find a property named '{name}'")))
}

fn number(text: &str) -> Result<usize, Reply> {
    text.parse()
        .map_err(|_| bad(format!("Not a number: {text}")))
}

fn zone(elm: &Elm) -> TimeZone {
    let zone = TimeZoneDatabase::bundled().get(&elm.time_zone);
    zone.unwrap_or(TimeZone::UTC)
}

/// A point in time with an offset, or local to the feed's zone without one.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp())
}
