//! Query parameters of a collection. One that JSON:API does not know is a 400.

use std::collections::BTreeMap;

use super::bad;
use super::filter::Filter;
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
