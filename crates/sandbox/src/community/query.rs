//! Query parameters of a collection. One that JSON:API does not know is a 400.

use std::collections::BTreeMap;

use super::bad;
use crate::server::{Reply, form};

/// The largest page, which is also the default one.
pub(super) const PAGE_MAX: usize = 50;

#[derive(Debug)]
pub(super) struct Query {
    pub(super) limit: usize,
    pub(super) offset: usize,
    /// Field, and whether descending.
    pub(super) sort: Vec<(String, bool)>,
    pub(super) include: Vec<String>,
    /// Wanted fields by resource type; types that are not named come whole.
    pub(super) fields: BTreeMap<String, Vec<String>>,
    pub(super) filters: Vec<Filter>,
    /// Every parameter but the page, for the link to the next one.
    rest: Vec<(String, String)>,
}

impl Query {
    pub(super) fn read(raw: &str) -> Result<Self, Reply> {
        let mut query = Self {
            limit: PAGE_MAX,
            offset: 0,
            sort: Vec::new(),
            include: Vec::new(),
            fields: BTreeMap::new(),
            filters: Vec::new(),
            rest: Vec::new(),
        };
        let mut filters = Vec::new();
        for (name, value) in form::text_pairs(raw) {
            let (first, keys) = split(&name);
            match (first, keys.as_slice()) {
                ("page", ["limit"]) => query.limit = page_limit(&value)?,
                ("page", ["offset"]) => query.offset = value.parse().unwrap_or(0),
                ("sort", []) => query.sort = value.split(',').map(sort_key).collect(),
                ("include", []) => query.include = list(&value),
                ("fields", [kind]) => {
                    query.fields.insert((*kind).to_owned(), list(&value));
                }
                ("filter", [_, ..]) => {
                    let path = keys.iter().map(|key| (*key).to_owned()).collect();
                    filters.push((path, value.clone()));
                }
                _ => {
                    let detail = format!("The following query parameters violate the JSON:API spec: '{first}'.");
                    return Err(bad(detail));
                }
            }
            if first != "page" {
                query.rest.push((name.clone(), value));
            }
        }
        query.filters = Filter::read(&filters)?;
        Ok(query)
    }

    /// The query of the page that begins at `offset`.
    pub(super) fn page_at(&self, offset: usize) -> String {
        let page = [("page[offset]", offset.to_string()), ("page[limit]", self.limit.to_string())];
        let page = page.map(|(name, value)| (name.to_owned(), value));
        let pairs = self.rest.iter().chain(&page);
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{}={}", form::encode(name), form::encode(value))).collect();
        pairs.join("&")
    }
}

/// `filter[a][b]` → `filter`, `[a, b]`.
fn split(name: &str) -> (&str, Vec<&str>) {
    match name.split_once('[') {
        None => (name, Vec::new()),
        Some((first, rest)) => (first, rest.trim_end_matches(']').split("][").collect()),
    }
}

/// Too much is cut to the maximum, nonsense counts as nothing said, nothing at all is an error.
fn page_limit(value: &str) -> Result<usize, Reply> {
    match value.parse::<usize>() {
        Ok(0) => Err(bad("Limit must be greater than 0.")),
        Ok(limit) => Ok(limit.min(PAGE_MAX)),
        Err(_) => Ok(PAGE_MAX),
    }
}

fn sort_key(key: &str) -> (String, bool) {
    match key.strip_prefix('-') {
        Some(field) => (field.to_owned(), true),
        None => (key.to_owned(), false),
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// One condition.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) path: String,
    operator: String,
    values: Vec<String>,
}

impl Filter {
    /// Puts the parts of each filter together.
    pub(super) fn read(parts: &[(Vec<String>, String)]) -> Result<Vec<Filter>, Reply> {
        let mut filters: BTreeMap<&str, Filter> = BTreeMap::new();
        for (keys, value) in parts {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let Some((name, rest)) = keys.split_first() else {
                continue;
            };
            let filter = filters.entry(name).or_default();
            match rest {
                [] | ["value"] => {
                    filter.path = (*name).to_owned();
                    filter.values.push(value.clone());
                }
                ["operator"] => {
                    filter.path = (*name).to_owned();
                    filter.operator = value.clone();
                }
                ["condition", "path"] => filter.path = value.clone(),
                ["condition", "operator"] => filter.operator = value.clone(),
                ["condition", "value", ..] => filter.values.push(value.clone()),
                _ => return Err(bad(format!("Invalid filter '{name}'"))),
            }
        }
        filters.into_values().map(Filter::checked).collect()
    }

    fn checked(mut self) -> Result<Filter, Reply> {
        if self.operator.is_empty() {
            self.operator = "=".to_owned();
        }
        let known = ["=", "<>", ">", ">=", "<", "<=", "IN", "STARTS_WITH", "CONTAINS"];
        if !known.contains(&self.operator.as_str()) {
            return Err(bad(format!("The '{}' operator is not allowed in a filter parameter.", self.operator)));
        }
        if self.path.is_empty() || self.values.is_empty() {
            return Err(bad("Filter parameter is missing a path or a value."));
        }
        Ok(self)
    }

    /// Whether any of a field's values passes. Text compares without regard to case, as on MySQL.
    pub(super) fn passes(&self, stored: &[String]) -> bool {
        match self.operator.as_str() {
            "IN" => stored.iter().any(|value| self.values.iter().any(|wanted| equal(value, wanted))),
            "<>" => !stored.iter().any(|value| equal(value, &self.values[0])),
            operator => stored.iter().any(|value| compares(value, operator, &self.values[0])),
        }
    }
}

fn equal(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn compares(stored: &str, operator: &str, wanted: &str) -> bool {
    let (stored, wanted) = (stored.to_lowercase(), wanted.to_lowercase());
    let order = match (stored.parse::<i64>(), wanted.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => stored.cmp(&wanted),
    };
    match operator {
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "STARTS_WITH" => stored.starts_with(&wanted),
        "CONTAINS" => stored.contains(&wanted),
        _ => order.is_eq(),
    }
}
