//! An address of the log ↔ the query that it means. The whole search is in the address, so it can be shared.

use crate::layout::TimeFormatter;
use form_urlencoded::Serializer;
use rollbook_core::model::{ElmCourseId, EnrolmentId, Guid, LinkName, Mail};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::{LogOrder, LogQuery, LogSort};
use serde::Deserialize;

/// So many lines a page.
pub(super) const LINES: u32 = 50;

/// What an address asks for; each part may be empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct LogPageQuery {
    pub q: String,
    pub link: String,
    pub status: String,
    pub action: String,
    pub code: String,
    pub course: String,
    pub guid: String,
    pub mail: String,
    pub enrolment: String,
    pub since: String,
    pub until: String,
    pub sort: String,
    pub order: String,
    pub after: String,
}

impl LogPageQuery {
    fn parts(&self) -> [(&'static str, &str); 14] {
        let Self { q, link, status, action, code, course, guid, mail, enrolment, since, until, sort, order, after } =
            self;
        [
            ("q", q),
            ("link", link),
            ("status", status),
            ("action", action),
            ("code", code),
            ("course", course),
            ("guid", guid),
            ("mail", mail),
            ("enrolment", enrolment),
            ("since", since),
            ("until", until),
            ("sort", sort),
            ("order", order),
            ("after", after),
        ]
    }

    /// The address with some parts changed.
    pub(super) fn path_with(&self, changes: &[(&str, &str)]) -> String {
        self.written("/log", changes)
    }

    /// The address of the same lines as CSV.
    pub(super) fn csv_path(&self) -> String {
        self.written("/log.csv", &[("after", "")])
    }

    fn written(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in self.parts() {
            let value = changes.iter().find(|(changed, _)| *changed == name).map_or(value, |(_, value)| *value);
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// Whether anything but the search narrows the lines.
    pub(super) fn is_filtered(&self) -> bool {
        let narrows = |name: &str| !matches!(name, "q" | "sort" | "order" | "after");
        self.parts().iter().any(|(name, value)| narrows(name) && !value.trim().is_empty())
    }

    /// The filters that apply: as text, and by which part of the address.
    pub(super) fn filters(&self) -> Vec<(String, &'static str)> {
        let narrows = |name: &str| !matches!(name, "q" | "sort" | "order" | "after");
        let parts = self.parts().into_iter().filter(|(name, value)| narrows(name) && !value.trim().is_empty());
        parts.map(|(name, value)| (format!("{name}: {value}"), name)).collect()
    }

    /// The link, where one is named.
    pub(super) fn link(&self) -> Option<LinkName> {
        non_blank(&self.link).map(LinkName::new)
    }

    pub(super) fn sort_word(&self) -> &str {
        if self.sort.is_empty() { "time" } else { &self.sort }
    }

    pub(super) fn is_ascending(&self) -> bool {
        self.order == "up"
    }

    /// The query, and what could not be read of it.
    pub(super) fn query(&self, times: &TimeFormatter) -> (LogQuery, String) {
        let mut errors = Vec::new();
        let mut moment = |name: &str, text: &str| {
            let read = times.read_field(text);
            if read.is_none() && !text.trim().is_empty() {
                errors.push(format!("\"{text}\" ({name}) is not a valid time"));
            }
            read
        };
        let (since, until) = (moment("since", &self.since), moment("until", &self.until));
        let after = non_blank(&self.after).and_then(|key| key.parse().ok());
        if after.is_none() && !self.after.is_empty() {
            errors.push("invalid cursor: this is the first page".to_owned());
        }
        let query = LogQuery {
            link: self.link(),
            search: self.q.chars().take(300).collect(),
            zone: times.zone.clone(),
            status: non_blank(&self.status).map(str::to_owned),
            action: non_blank(&self.action).map(str::to_owned),
            code: non_blank(&self.code).and_then(OutcomeCode::read),
            course: non_blank(&self.course).map(ElmCourseId::new),
            guid: non_blank(&self.guid).map(Guid::new),
            mail: non_blank(&self.mail).map(Mail::new),
            enrolment_id: non_blank(&self.enrolment).map(EnrolmentId::new),
            since,
            until,
            sort: match self.sort_word() {
                "guid" => LogSort::Guid,
                "mail" => LogSort::Mail,
                "course" => LogSort::Course,
                "enrolment" => LogSort::EnrolmentId,
                _ => LogSort::Time,
            },
            order: if self.is_ascending() { LogOrder::Ascending } else { LogOrder::Descending },
            after,
            limit: LINES,
        };
        (query, errors.join("; "))
    }
}

fn non_blank(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_keeps_what_it_asks_for() {
        let query = LogPageQuery {
            q: "jane & co".into(),
            status: "Error".into(),
            after: "1.2.".into(),
            ..LogPageQuery::default()
        };
        assert_eq!(query.path_with(&[("after", "")]), "/log?q=jane+%26+co&status=Error");
        assert_eq!(query.csv_path(), "/log.csv?q=jane+%26+co&status=Error");
        assert!(query.is_filtered());
        assert!(!LogPageQuery { q: "x".into(), ..LogPageQuery::default() }.is_filtered());
        assert_eq!(LogPageQuery::default().path_with(&[]), "/log");
    }

    #[test]
    fn what_cannot_be_read_is_said_and_does_no_harm() {
        let times = TimeFormatter::new("2026-11-23T12:00:00Z".parse().unwrap(), jiff::tz::TimeZone::UTC);
        let query = LogPageQuery { since: "yesterday".into(), after: "x".into(), ..LogPageQuery::default() };
        let (query, error) = query.query(&times);
        assert!(query.since.is_none() && query.after.is_none());
        assert!(error.contains("yesterday") && error.contains("first page"), "{error}");
    }
}
