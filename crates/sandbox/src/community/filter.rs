//! Filters: `filter[path]=value`, and `filter[k][condition][path|operator|value]`.

use std::collections::BTreeMap;

use super::bad;
use crate::server::Reply;

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
