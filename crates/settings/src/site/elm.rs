//! `kind = "elm"`: the HR learning system's OData feed, and where its completions go.
//!
//! The names of the feed's fields are the remote's; whatever a feed calls them is said here and nowhere else.
//! Next: [`super::completion`].

use super::completion::{self, CompletionTarget};
use crate::kind::{Choice, Count, Flag, Header, Lasting, Name};
use crate::read::Section;
use jiff::tz::TimeZone;
use reqwest::Url;
use rollbook_core::model::SiteName;
use secrecy::SecretString;
use std::time::Duration;

/// An ELM.
#[derive(Clone, Debug)]
pub struct Elm {
    /// As on the command line.
    pub name: SiteName,
    /// The collection of enrolment records.
    pub feed_url: Url,
    /// What the header carries.
    pub token: SecretString,
    /// The header that carries the token.
    pub header: String,
    /// The zone of the feed's times without offset, and of the times in a query.
    pub timezone: TimeZone,
    /// How a time is written in a query.
    pub literal: Literal,
    /// At most so many pages are followed in one reading, 1 to 100000.
    pub pages_max: u32,
    /// At most so many rows are taken in one reading, 1 to 10 million.
    pub rows_max: u32,
    /// Whether to ask the feed how many rows there are (`$count=true`), and to compare.
    pub count: bool,
    /// The time one page may take.
    pub timeout: Duration,
    /// What the feed calls things.
    pub fields: ElmFields,
    /// Where completions go; `None` when no completions are reported.
    pub completion: Option<CompletionTarget>,
}

/// How a time is written in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `'2026-11-23 07:26:58'`: quoted, in the site's zone, as CData wants it.
    QuotedLocal,
    /// `2026-11-23T07:26:58-07:00`: unquoted, as OData v4 wants it.
    DateTimeOffset,
}

/// What the feed calls each field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named as what it holds; rollbook.example.toml explains them to the operator")]
pub struct ElmFields {
    pub enrolment_id: String,
    pub record_enrol_id: String,
    pub date_created: String,
    pub course: String,
    pub course_state: String,
    pub course_state_date: String,
    pub short_name: String,
    pub first_name: String,
    pub last_name: String,
    pub mail: String,
    pub guid: String,
}

const LITERALS: Choice<Literal> =
    Choice(&[("quoted-local", Literal::QuotedLocal), ("date-time-offset", Literal::DateTimeOffset)]);

pub(super) fn read(name: SiteName, zone: &TimeZone, section: &mut Section<'_>) -> Option<Elm> {
    let feed_url = super::address("feed_url", section);
    let token = section.secret("token");
    let header = section.or("header", "x-cdata-authtoken", Header);
    let timezone = section.zone_or(zone);
    let literal = section.or("literal", "quoted-local", LITERALS);
    let pages_max = section.or("pages_max", 1_000, Count(1, 100_000));
    let rows_max = section.or("rows_max", 1_000_000, Count(1, 10_000_000));
    let count = section.or("count", false, Flag);
    let timeout = section.or("timeout", "60s", Lasting("1s", "10m"));
    let fields = section.defaults("fields", fields);
    let completion = section.table("completion", completion::read);
    let (feed_url, token) = (feed_url?, token?);
    Some(Elm {
        name,
        feed_url,
        token,
        header,
        timezone,
        literal,
        pages_max,
        rows_max,
        count,
        timeout,
        fields,
        completion,
    })
}

fn fields(section: &mut Section<'_>) -> ElmFields {
    let mut field = |key: &str, default: &str| {
        let name = section.or(key, default, Name(64));
        if name.is_empty() { default.to_owned() } else { name }
    };
    ElmFields {
        enrolment_id: field("enrolment_id", "ENROLMENT_ID"),
        record_enrol_id: field("record_enrol_id", "record_enrol_id"),
        date_created: field("date_created", "date_created"),
        course: field("course", "COURSE_IDENTIFIER"),
        course_state: field("course_state", "COURSE_STATE"),
        course_state_date: field("course_state_date", "COURSE_STATE_DATE"),
        short_name: field("short_name", "COURSE_SHORTNAME"),
        first_name: field("first_name", "FIRST_NAME"),
        last_name: field("last_name", "LAST_NAME"),
        mail: field("mail", "EMAIL"),
        guid: field("guid", "GUID"),
    }
}
