//! `$filter`: comparisons joined by `and`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::bad;
use super::query::{DATES, column};
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
pub(super) fn read(text: &str, zone: &TimeZone) -> Result<Vec<Test>, Reply> {
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
        let literal = literal_of(column, &literal, zone)?;
        tests.push(Test { column, relation, literal });
        match words.next().as_deref() {
            None => return Ok(tests),
            Some("and") => {}
            Some(other) => return Err(bad(format!("Unexpected '{other}' in $filter"))),
        }
    }
}

fn literal_of(column: &str, word: &str, zone: &TimeZone) -> Result<Literal, Reply> {
    let refused = || bad(format!("Cannot compare {column} with {word}"));
    let quoted = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let Some(inner) = quoted else {
        if DATES.contains(&column) {
            let at: Timestamp = word.parse().map_err(|_| refused())?;
            return Ok(Literal::Moment(at));
        }
        return word.parse().map(Literal::Number).map_err(|_| refused());
    };
    let inner = inner.replace("''", "'");
    if DATES.contains(&column) {
        return moment(&inner, zone).map(Literal::Moment).ok_or_else(refused);
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

impl Test {
    /// A row whose date cannot be read passes every test of it, so that clients meet it.
    pub(super) fn passes(&self, row: &Value, zone: &TimeZone) -> bool {
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

/// A point in time with an offset, or local to the feed's zone without one.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp())
}
