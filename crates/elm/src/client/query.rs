//! Writes the question to the feed: address, order, filter; and finds the next page's address.
//!
//! It must never let a value break out of its literal, never write a space as `+` (a strict OData server refuses it),
//! and never lead to another host. Pure. Next: `read.rs`.

use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

/// Left as they are in a query, besides letters and digits: RFC 3986's unreserved ones, and those that OData reads and
/// no server mistakes. `'`, `+`, `&`, `#`, `%` and the space are always escaped.
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',').remove(b':');

/// How the feed wants a point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiteralStyle {
    /// `'2026-11-23 07:26:58'`, local time of the feed's zone without offset: what CData is asked today.
    #[default]
    QuotedLocal,
    /// `2026-11-23T15:26:58Z`, as OData v4 has it.
    DateTimeOffset,
}

/// The feed's names of the fields that a question uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedFields {
    /// Written after `$orderby=`, as it stands.
    pub order: String,
    /// When a record was made.
    pub created: String,
    /// The person's address.
    pub mail: String,
    /// The person's GUID.
    pub guid: String,
}

impl Default for FeedFields {
    fn default() -> Self {
        Self {
            order: "COURSE_STATE_DATE,date_created asc".to_owned(),
            created: "date_created".to_owned(),
            mail: "email".to_owned(),
            guid: "GUID".to_owned(),
        }
    }
}

/// What is wanted of the feed. What is `Some` holds together; nothing at all asks for everything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FeedQuery {
    /// Records made after this. In seconds: cut down, so that the question is never narrower than meant.
    pub since: Option<Timestamp>,
    /// Records made before this. In seconds: rounded up.
    pub until: Option<Timestamp>,
    /// Records of the person with this address.
    pub mail: Option<String>,
    /// Records of the person with this GUID.
    pub guid: Option<String>,
}

impl std::fmt::Debug for FeedQuery {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { since, until, mail, guid } = self;
        let person = if mail.is_some() || guid.is_some() { "one person" } else { "everybody" };
        write!(out, "FeedQuery({since:?}..{until:?}, {person})")
    }
}

/// How a question is written for one feed.
#[derive(Clone, Debug)]
pub(super) struct Grammar {
    pub(super) style: LiteralStyle,
    pub(super) zone: TimeZone,
    pub(super) fields: FeedFields,
    /// Whether to ask for `@odata.count`.
    pub(super) count: bool,
}

/// The address of the first page: `collection?$orderby=…&$filter=…`, after what `collection` asks by itself.
pub(super) fn make_first_url(collection: &Url, grammar: &Grammar, query: &FeedQuery) -> Url {
    let mut parts: Vec<String> =
        collection.query().filter(|own| !own.is_empty()).map(str::to_owned).into_iter().collect();
    if !grammar.fields.order.trim().is_empty() {
        parts.push(format!("$orderby={}", escape(grammar.fields.order.trim())));
    }
    let filter = make_filter(grammar, query);
    if !filter.is_empty() {
        parts.push(format!("$filter={}", escape(&filter)));
    }
    if grammar.count {
        parts.push("$count=true".to_owned());
    }
    let mut url = collection.clone();
    url.set_query((!parts.is_empty()).then(|| parts.join("&")).as_deref());
    url
}

/// The address of the next page, on the feed's own host: a link may be absolute, relative to the service root (the
/// collection's parent), or a query alone. Only its path and query are used.
///
/// # Errors
/// Words for the operator when the link leads elsewhere or cannot be read; never the link itself.
pub(super) fn resolve_next(collection: &Url, link: &str) -> Result<Url, &'static str> {
    let mut base = collection.clone();
    base.set_query(None);
    let target = base.join(link.trim()).map_err(|_| "the next page's address cannot be read")?;
    let same = target.scheme() == base.scheme()
        && target.host_str() == base.host_str()
        && target.port_or_known_default() == base.port_or_known_default();
    if !same || !target.username().is_empty() || target.password().is_some() {
        return Err("the next page's address leads to another host");
    }
    base.set_path(target.path());
    // Servers send unescaped spaces, which a URL parser mends by itself, and `+`, which they mean as they sent it.
    base.set_query(target.query());
    Ok(base)
}

fn make_filter(grammar: &Grammar, query: &FeedQuery) -> String {
    let Grammar { fields, .. } = grammar;
    let FeedQuery { since, until, mail, guid } = query;
    let since = since.map(|time| format!("{} gt {}", fields.created, make_lower_literal(grammar, time)));
    let until = until.map(|time| format!("{} lt {}", fields.created, make_upper_literal(grammar, time)));
    let mail = mail.as_ref().map(|mail| format!("{} eq {}", fields.mail, make_text_literal(mail)));
    let guid = guid.as_ref().map(|guid| format!("{} eq {}", fields.guid, make_text_literal(guid)));
    [since, until, mail, guid].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn make_text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The lower bound. Where clocks are set back an hour of local time comes twice; the earlier reading is taken, so that
/// records of the second pass are not lost (some of the first come again).
fn make_lower_literal(grammar: &Grammar, time: Timestamp) -> String {
    let time = round(time, RoundMode::Floor);
    if grammar.style == LiteralStyle::DateTimeOffset {
        return time.to_string();
    }
    let local = time.to_zoned(grammar.zone.clone()).datetime();
    let set_back = grammar.zone.following(time).next().map(|change| change.timestamp().to_zoned(grammar.zone.clone()));
    let earliest = set_back.map_or(local, |after| local.min(after.datetime()));
    earliest.strftime("'%Y-%m-%d %H:%M:%S'").to_string()
}

/// The upper bound, by the same reasoning the later reading.
fn make_upper_literal(grammar: &Grammar, time: Timestamp) -> String {
    let time = round(time, RoundMode::Ceil);
    if grammar.style == LiteralStyle::DateTimeOffset {
        return time.to_string();
    }
    let local = time.to_zoned(grammar.zone.clone()).datetime();
    // The local time at which the clock stood when it was set back: the new reading less the change of offset.
    let set_back = grammar.zone.preceding(time).next().map(|change| {
        let before = grammar.zone.to_offset(change.timestamp() - jiff::SignedDuration::from_secs(1));
        before.to_datetime(change.timestamp())
    });
    let latest = set_back.map_or(local, |before| local.max(before));
    latest.strftime("'%Y-%m-%d %H:%M:%S'").to_string()
}

fn round(time: Timestamp, mode: RoundMode) -> Timestamp {
    // Fails only at the very end of the time scale.
    time.round(TimestampRound::new().smallest(Unit::Second).mode(mode)).unwrap_or(time)
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grammar(style: LiteralStyle) -> Grammar {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get("America/Vancouver").unwrap();
        Grammar { style, zone, fields: FeedFields::default(), count: false }
    }

    fn collection() -> Url {
        Url::parse("https://elm.example.org/api.rsc/Enrolments").unwrap()
    }

    fn ask(style: LiteralStyle, query: &FeedQuery) -> String {
        make_first_url(&collection(), &grammar(style), query).to_string()
    }

    fn since(text: &str) -> FeedQuery {
        FeedQuery { since: Some(text.parse().unwrap()), ..FeedQuery::default() }
    }

    #[test]
    fn the_window_is_written_in_the_feeds_own_local_time() {
        assert_eq!(
            ask(LiteralStyle::QuotedLocal, &since("2025-11-23T15:26:58.9Z")),
            "https://elm.example.org/api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=date_created%20gt%20%272025-11-23%2007:26:58%27"
        );
    }

    #[test]
    fn a_date_time_offset_is_bare_and_in_utc() {
        let query =
            FeedQuery { until: Some("2025-11-24T00:00:00.1Z".parse().unwrap()), ..since("2025-11-23T15:26:58Z") };
        assert_eq!(
            ask(LiteralStyle::DateTimeOffset, &query),
            "https://elm.example.org/api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=date_created%20gt%202025-11-23T15:26:58Z%20and%20date_created%20lt%202025-11-24T00:00:01Z"
        );
    }

    #[test]
    fn quotes_are_doubled_and_nothing_breaks_out() {
        let query = FeedQuery { mail: Some("o'brien+x&y#z%@example.org".to_owned()), ..FeedQuery::default() };
        assert_eq!(
            ask(LiteralStyle::QuotedLocal, &query),
            "https://elm.example.org/api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=email%20eq%20%27o%27%27brien%2Bx%26y%23z%25%40example.org%27"
        );
        let query = FeedQuery { guid: Some("José 1".to_owned()), ..FeedQuery::default() };
        assert!(ask(LiteralStyle::QuotedLocal, &query).ends_with("&$filter=GUID%20eq%20%27Jos%C3%A9%201%27"));
    }

    #[test]
    fn what_the_address_asks_itself_and_the_count_are_kept() {
        let collection = Url::parse("https://elm.example.org/Enrolments?$select=GUID").unwrap();
        let mut grammar = grammar(LiteralStyle::QuotedLocal);
        grammar.count = true;
        grammar.fields.order.clear();
        let url = make_first_url(&collection, &grammar, &FeedQuery::default());
        assert_eq!(url.as_str(), "https://elm.example.org/Enrolments?$select=GUID&$count=true");
    }

    #[test]
    fn the_hour_that_comes_twice_is_asked_for_whole() {
        // Clocks in Vancouver went from 02:00 PDT back to 01:00 PST at 2025-11-02T09:00Z.
        let first_pass = ask(LiteralStyle::QuotedLocal, &since("2025-11-02T08:30:00Z"));
        assert!(first_pass.ends_with("gt%20%272025-11-02%2001:00:00%27"), "{first_pass}");
        let earlier = ask(LiteralStyle::QuotedLocal, &since("2025-11-02T07:30:00Z"));
        assert!(earlier.ends_with("gt%20%272025-11-02%2000:30:00%27"), "{earlier}");
        let until = FeedQuery { until: Some("2025-11-02T09:10:00Z".parse().unwrap()), ..FeedQuery::default() };
        let second_pass = ask(LiteralStyle::QuotedLocal, &until);
        assert!(second_pass.ends_with("lt%20%272025-11-02%2002:00:00%27"), "{second_pass}");
    }

    #[test]
    fn a_next_link_may_be_absolute_or_relative_to_the_service_root() {
        let next = |link: &str| resolve_next(&collection(), link).map(|url| url.to_string());
        let expected =
            Ok("https://elm.example.org/api.rsc/Enrolments?$orderby=date_created%20asc&$skiptoken=100".to_owned());
        assert_eq!(
            next("https://elm.example.org/api.rsc/Enrolments?$orderby=date_created%20asc&$skiptoken=100"),
            expected
        );
        assert_eq!(
            next("https://elm.example.org:443/api.rsc/Enrolments?$orderby=date_created asc&$skiptoken=100"),
            expected
        );
        assert_eq!(next("Enrolments?$orderby=date_created%20asc&$skiptoken=100"), expected);
        assert_eq!(next("/api.rsc/Enrolments?$orderby=date_created%20asc&$skiptoken=100"), expected);
        assert_eq!(next("?$orderby=date_created%20asc&$skiptoken=100"), expected);
    }

    #[test]
    fn a_next_link_to_another_host_is_refused() {
        for link in [
            "https://evil.example/api.rsc/Enrolments?$skiptoken=100",
            "//evil.example/Enrolments",
            "http://elm.example.org/api.rsc/Enrolments",
            "https://elm.example.org:8443/api.rsc/Enrolments",
            "https://me:pw@elm.example.org/api.rsc/Enrolments",
            "ftp://elm.example.org/x",
            "javascript:alert(1)",
        ] {
            assert!(resolve_next(&collection(), link).is_err(), "{link}");
        }
    }
}
