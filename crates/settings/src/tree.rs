//! TOML text → a tree of values that know their place.
//!
//! It knows nothing of Rollbook's keys. All syntax errors of a file are reported, not the first alone.
//! Next: [`super::section`], which takes the tree apart.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys of a table, sorted.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key_place: Range<usize>,
    pub node: Node,
}

/// A value and the bytes of the file that it came from.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub value: Value,
    pub place: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Table),
    /// A whole number that fits no `i64`.
    Huge(String),
}

impl Value {
    /// What TOML calls a value of this type, with its article.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) | Self::Huge(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// The value as one line, as the page of the effective settings shows it.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Date(text) | Self::Huge(text) => out.write_str(text),
            Self::Whole(number) => number.fmt(out),
            Self::Number(number) => number.fmt(out),
            Self::Flag(flag) => flag.fmt(out),
            Self::List(nodes) => {
                let parts: Vec<_> = nodes.iter().map(|node| node.value.to_string()).collect();
                out.write_str(&parts.join(", "))
            }
            Self::Table(table) => {
                let parts: Vec<_> = table.iter().map(|(key, entry)| format!("{key} = {}", entry.node.value)).collect();
                out.write_str(&parts.join(", "))
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A list of texts.
impl<const N: usize> From<[&str; N]> for Value {
    fn from(texts: [&str; N]) -> Self {
        Self::List(texts.map(|text| Node { value: text.into(), place: 0..0 }).into())
    }
}

/// A place where the text is no TOML, and why.
pub(super) struct SyntaxError {
    pub message: String,
    pub place: Range<usize>,
}

/// Reads the text. The tree is only of use when there are no errors.
pub(super) fn parse(text: &str) -> (Table, Vec<SyntaxError>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let errors = errors.into_iter().map(|error| {
        let place = error.span().unwrap_or(0..0);
        SyntaxError { message: error.message().to_owned(), place }
    });
    (table(root.into_inner()), errors.collect())
}

fn table(entries: DeTable<'_>) -> Table {
    entries
        .into_iter()
        .map(|(key, value)| {
            let key_place = key.span();
            (Cow::into_owned(key.into_inner()), Entry { key_place, node: node(value) })
        })
        .collect()
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let place = value.span();
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Huge(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(nodes) => Value::List(nodes.into_iter().map(node).collect()),
        DeValue::Table(entries) => Value::Table(table(entries)),
    };
    Node { value, place }
}
