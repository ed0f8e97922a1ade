//! OData query options: `$filter`, `$orderby`, `$count`, and those that page. What a strict server would not take is a
//! 400.

use std::cmp::Ordering;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

pub(super) use super::filter::moment;
use super::filter::{self, Test};
use super::{Dialect, Elm, NextLink, bad};
use crate::server::{HttpRequest, Reply, form};

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
pub(super) const DATES: [&str; 4] = ["date_created", "date_updated", "date_deleted", "COURSE_STATE_DATE"];

/// The options of one request.
#[derive(Debug, Default)]
pub(super) struct Query {
    tests: Vec<Test>,
    order: Vec<(&'static str, bool)>,
    pub(super) skip: usize,
    pub(super) count: bool,
    /// `$top`, where the server pages by it; elsewhere its own page size is all that counts.
    pub(super) top: Option<usize>,
    /// `$format=json`.
    pub(super) json: bool,
    /// The query as sent, without `$skiptoken`.
    pub(super) rest: String,
}

impl Query {
    pub(super) fn read(elm: &Elm, request: &HttpRequest) -> Result<Self, Reply> {
        let raw = request.parts.uri.query().unwrap_or_default();
        if elm.strict_spaces && raw.contains('+') {
            return Err(bad("'+' is not a space here: encode spaces as %20"));
        }
        let mut query = Self::default();
        let zone = zone(elm);
        let mut kept = Vec::new();
        for (pair, (name, value)) in raw.split('&').zip(form::text_pairs(raw)) {
            let value = value.as_str();
            match name.as_str() {
                "$filter" => query.tests = filter::read(value, elm, &zone)?,
                "$orderby" => query.order = order(value)?,
                "$skiptoken" => query.skip = number(value)?,
                "$count" if elm.dialect == Dialect::V4 => query.count = value == "true",
                "$inlinecount" if elm.dialect == Dialect::V2 => query.count = value == "allpages",
                "$skip" if elm.next_link == NextLink::Skip => query.skip = number(value)?,
                "$top" if elm.next_link == NextLink::Skip => query.top = Some(number(value)?),
                "$top" => {}
                "$format" => query.json = value == "json",
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
        let mut passing: Vec<&Value> =
            passing.filter(|row| self.tests.iter().all(|test| test.passes(row, elm.dates, &zone))).collect();
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
        if self.descending { ascending.reverse() } else { ascending }
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

pub(super) fn column(name: &str) -> Result<&'static str, Reply> {
    let mut columns = COLUMNS.into_iter();
    let found = columns.find(|column| column.eq_ignore_ascii_case(name));
    found.ok_or_else(|| bad(format!("Could not find a property named '{name}'")))
}

fn number(text: &str) -> Result<usize, Reply> {
    text.parse().map_err(|_| bad(format!("Not a number: {text}")))
}

pub(crate) fn zone(elm: &Elm) -> TimeZone {
    let zone = TimeZoneDatabase::bundled().get(&elm.time_zone);
    zone.unwrap_or(TimeZone::UTC)
}
