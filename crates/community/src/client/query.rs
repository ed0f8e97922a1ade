//! Writes a question to JSON:API: filters, order, fields, page.
//!
//! It must never let a value end its parameter. Drupal refuses an unknown parameter with 400 and ignores an unknown
//! field. Pure. Next: `page.rs`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Display;

/// Left as they are, besides letters and digits.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b',');

/// More rows than this Drupal never gives on one page, whatever is asked.
pub(super) const PAGE_MAX: usize = 50;

/// The parameters of a question, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    parts: Vec<String>,
}

impl Query {
    /// No parameters.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// `filter[path]=value`
    pub(super) fn filter(mut self, path: &str, value: impl Display) -> Self {
        self.parts.push(format!("filter[{path}]={}", escape(&value.to_string())));
        self
    }

    /// `filter[name][condition]…`: a comparison other than equality.
    pub(super) fn compare(mut self, name: &str, path: &str, operator: &str, value: impl Display) -> Self {
        self.parts.push(format!("filter[{name}][condition][path]={path}"));
        self.parts.push(format!("filter[{name}][condition][operator]={}", escape(operator)));
        self.parts.push(format!("filter[{name}][condition][value]={}", escape(&value.to_string())));
        self
    }

    /// `filter[name][condition]…`: one of several values.
    pub(super) fn one_of(mut self, name: &str, path: &str, values: &[String]) -> Self {
        self.parts.push(format!("filter[{name}][condition][path]={path}"));
        self.parts.push(format!("filter[{name}][condition][operator]=IN"));
        let values = values.iter().map(|value| format!("filter[{name}][condition][value][]={}", escape(value)));
        self.parts.extend(values);
        self
    }

    /// `fields[resource]=names`
    pub(super) fn fields(mut self, resource: &str, names: &str) -> Self {
        self.parts.push(format!("fields[{resource}]={}", escape(names)));
        self
    }

    /// `name=value`
    pub(super) fn add(mut self, name: &str, value: impl Display) -> Self {
        self.parts.push(format!("{name}={}", escape(&value.to_string())));
        self
    }

    /// The query string, without `?`.
    pub(super) fn to_text(&self) -> String {
        self.parts.join("&")
    }
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_written_as_drupal_reads_it() {
        let query = Query::new()
            .filter("gid.id", "0a-1b")
            .compare("after", "drupal_internal__id", ">", 50)
            .fields("user--user", "name,mail")
            .add("sort", "drupal_internal__id")
            .add("page[limit]", PAGE_MAX);
        assert_eq!(
            query.to_text(),
            "filter[gid.id]=0a-1b&filter[after][condition][path]=drupal_internal__id\
             &filter[after][condition][operator]=%3E&filter[after][condition][value]=50\
             &fields[user--user]=name,mail&sort=drupal_internal__id&page[limit]=50"
        );
    }

    #[test]
    fn no_value_breaks_out() {
        let query = Query::new().filter("name", "Zoë & co=1#x+y]%");
        assert_eq!(query.to_text(), "filter[name]=Zo%C3%AB%20%26%20co%3D1%23x%2By%5D%25");
    }
}
