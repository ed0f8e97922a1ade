//! `kind = "elm"`: the HR learning system's feed, and where its completions go.
//!
//! The names of the feed's fields are the remote's; whatever a feed calls them is said here and nowhere else.

use crate::kind::{Choice, Count, Day, DurationIn, Flag, Header, HttpUrl, Name, Text};
use crate::section::Section;
use jiff::tz::TimeZone;
use reqwest::Url;
use rollbook_core::model::{Field, FieldNames, SiteName};
use rollbook_core::policy::{ReportFields, ReportTemplate};
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
    pub fields: FieldNames,
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

/// Where completions go.
#[derive(Clone, Debug)]
pub struct CompletionTarget {
    /// Each completion is POSTed here.
    pub url: Url,
    /// What the feed's header carries here; the feed's own token when `None`.
    pub token: Option<SecretString>,
    /// The collection in which a sent completion can be found again after an answer was lost.
    pub lookup_url: Option<Url>,
    /// The header that carries the same key each time one completion is sent.
    pub idempotency_header: String,
    /// The time one call may take.
    pub timeout: Duration,
    /// What the body calls things, and what it says of every completion.
    pub words: ReportTemplate,
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
    let timeout = section.or("timeout", "60s", DurationIn("1s", "10m"));
    let fields = section.defaults("fields", fields);
    let completion = section.table("completion", completion);
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

/// The key of each field under `[fields]`.
const FIELD_KEYS: [(&str, Field); Field::ALL.len()] = [
    ("enrolment_id", Field::EnrolmentId),
    ("record_enrol_id", Field::RecordId),
    ("date_created", Field::DateCreated),
    ("course", Field::Course),
    ("course_state", Field::State),
    ("course_state_date", Field::StateDate),
    ("short_name", Field::ShortName),
    ("first_name", Field::FirstName),
    ("last_name", Field::LastName),
    ("mail", Field::Mail),
    ("guid", Field::Guid),
];

fn fields(section: &mut Section<'_>) -> FieldNames {
    FIELD_KEYS.into_iter().fold(FieldNames::default(), |names, (key, field)| {
        match section.or(key, field.elm_name(), Name(64)) {
            name if name.is_empty() => names,
            name => names.with(field, name),
        }
    })
}

fn completion(section: &mut Section<'_>) -> Option<CompletionTarget> {
    let url = super::address("url", section);
    let token = section.optional_secret("token");
    let lookup_url = section.optional("lookup_url", HttpUrl);
    let idempotency_header = section.or("idempotency_header", "idempotency-key", Header);
    let timeout = section.or("timeout", "30s", DurationIn("1s", "10m"));
    let fields = section.defaults("fields", report_fields);
    let words = section.defaults("constants", |section| ReportTemplate {
        course_state: section.or("course_state", "Complete", Text(40)),
        user_state: section.or("user_state", "Active", Text(40)),
        user_effective_date: section.or("user_effective_date", "2017-02-14", Day),
        fields,
    });
    Some(CompletionTarget { url: url?, token, lookup_url, idempotency_header, timeout, words })
}

fn report_fields(section: &mut Section<'_>) -> ReportFields {
    let mut field = |key: &str, default: &str| section.or(key, default, Name(64));
    ReportFields {
        complete_date: field("complete_date", "COURSE_COMPLETE_DATE"),
        course_state: field("course_state", "COURSE_STATE"),
        enrolment_id: field("enrolment_id", "ENROLMENT_ID"),
        user_state: field("user_state", "USER_STATE"),
        user_effective_date: field("user_effective_date", "USER_EFFECTIVE_DATE"),
        course: field("course", "COURSE_IDENTIFIER"),
        short_name: field("short_name", "COURSE_SHORTNAME"),
        mail: field("mail", "EMAIL"),
        guid: field("guid", "GUID"),
        first_name: field("first_name", "FIRST_NAME"),
        last_name: field("last_name", "LAST_NAME"),
    }
}
