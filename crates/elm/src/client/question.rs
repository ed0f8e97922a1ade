//! What is asked of a feed, written as a dialect wants it; and the address of the next page.
//!
//! It must never let a value break out of its literal, never write a space as `+` (a strict OData server refuses it),
//! and never lead to another host. Pure. Next: `read.rs`.

use crate::dialect::Literal;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, ToSpan, Unit};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use rollbook_core::model::{FeedRecord, Guid, Mail};

/// Left as they are in a query, besides letters and digits: RFC 3986's unreserved ones, and those that OData reads and
/// no server mistakes. `'`, `+`, `&`, `#`, `%` and the space are always escaped.
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',').remove(b':');

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
            mail: "EMAIL".to_owned(),
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

impl FeedQuery {
    /// Whether records of a time are asked for.
    pub fn has_window(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether a record is what is asked for, where the source itself cannot be asked. One whose date cannot be read is.
    pub(crate) fn takes(&self, record: &FeedRecord) -> bool {
        let created = record.reading.as_ref().ok().map(|reading| reading.created);
        let after = |bound: Option<Timestamp>| created.zip(bound).is_none_or(|(created, bound)| created > bound);
        let before = |bound: Option<Timestamp>| created.zip(bound).is_none_or(|(created, bound)| created < bound);
        let of_mail = self.mail.as_ref().is_none_or(|mail| Mail::new(mail.as_str()).same_as(record.mail().as_str()));
        let of_guid = self.guid.as_ref().is_none_or(|guid| Guid::new(guid.as_str()).folded() == record.guid().folded());
        after(self.since) && before(self.until) && of_mail && of_guid
    }
}

/// A question, with all that a dialect needs to write it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is wanted.
    pub query: &'a FeedQuery,
    /// The names of the fields.
    pub fields: &'a FeedFields,
    /// How a point in time is written.
    pub literal: Literal,
    /// The zone of local times.
    pub zone: &'a TimeZone,
    /// By how much the feed's local times may differ from those of the zone: the window is so much wider on both sides.
    pub widened: SignedDuration,
    /// Whether to ask for the number of rows.
    pub count: bool,
}

impl Question<'_> {
    /// `$orderby` and `$filter`, the same in every version of OData.
    pub fn odata(&self) -> Vec<String> {
        let mut options = Vec::new();
        if !self.fields.order.trim().is_empty() {
            options.push(format!("$orderby={}", escape(self.fields.order.trim())));
        }
        let filter = self.filter();
        if !filter.is_empty() {
            options.push(format!("$filter={}", escape(&filter)));
        }
        options
    }

    fn filter(&self) -> String {
        let Self { fields, query, .. } = self;
        let FeedQuery { since, until, mail, guid } = query;
        let since = since.map(|time| format!("{} gt {}", fields.created, self.lower_literal(time)));
        let until = until.map(|time| format!("{} lt {}", fields.created, self.upper_literal(time)));
        let mail = mail.as_ref().map(|mail| format!("{} eq {}", fields.mail, text_literal(mail)));
        let guid = guid.as_ref().map(|guid| format!("{} eq {}", fields.guid, text_literal(guid)));
        [since, until, mail, guid].into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }

    /// The lower bound. Where clocks are set back an hour of local time comes twice; the earlier reading is taken, so that
    /// records of the second pass are not lost (some of the first come again).
    fn lower_literal(&self, time: Timestamp) -> String {
        let time = round(time, RoundMode::Floor).checked_sub(self.widened).unwrap_or(Timestamp::MIN);
        let local = time.to_zoned(self.zone.clone()).datetime();
        let set_back = self.zone.following(time).next().map(|change| change.timestamp().to_zoned(self.zone.clone()));
        let earliest = set_back.map_or(local, |after| local.min(after.datetime()));
        self.literal_of(time, earliest, -1)
    }

    /// The upper bound, by the same reasoning the later reading.
    fn upper_literal(&self, time: Timestamp) -> String {
        let time = round(time, RoundMode::Ceil).checked_add(self.widened).unwrap_or(Timestamp::MAX);
        let local = time.to_zoned(self.zone.clone()).datetime();
        // The local time at which the clock stood when it was set back: the new reading less the change of offset.
        let set_back = self.zone.preceding(time).next().map(|change| {
            let before = self.zone.to_offset(change.timestamp() - SignedDuration::from_secs(1));
            before.to_datetime(change.timestamp())
        });
        let latest = set_back.map_or(local, |before| local.max(before));
        self.literal_of(time, latest, 1)
    }

    /// `beyond`: the day next to it, where only whole days can be asked for.
    fn literal_of(&self, time: Timestamp, local: DateTime, beyond: i64) -> String {
        let utc = || TimeZone::UTC.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        match self.literal {
            Literal::QuotedLocal => local.strftime("'%Y-%m-%d %H:%M:%S'").to_string(),
            Literal::DateTimeOffset => time.to_string(),
            Literal::DateTimeUtc => format!("datetime'{}'", utc()),
            Literal::DateTimeLocal => local.strftime("datetime'%Y-%m-%dT%H:%M:%S'").to_string(),
            Literal::DateTimeOffsetV2 => format!("datetimeoffset'{}Z'", utc()),
            Literal::EpochSeconds => time.as_second().to_string(),
            Literal::EpochMilliseconds => time.as_millisecond().to_string(),
            Literal::Date => local.date().saturating_add(beyond.days()).strftime("'%Y-%m-%d'").to_string(),
            Literal::Us => local.strftime("'%m/%d/%Y %-I:%M:%S %p'").to_string(),
        }
    }
}

/// The address of the first page: what `collection` asks by itself, then the options.
pub(super) fn make_first_url(collection: &Url, options: Vec<String>) -> Url {
    let own = collection.query().filter(|own| !own.is_empty()).map(str::to_owned);
    let parts: Vec<String> = own.into_iter().chain(options).collect();
    let mut url = collection.clone();
    url.set_query((!parts.is_empty()).then(|| parts.join("&")).as_deref());
    url
}

/// The address of the next page, always at the feed's own origin: a link may be absolute, relative to the service root (the
/// collection's parent), or a query alone, and may name the host that the server has behind its proxy. Only its path and
/// query are used, and only below the service root.
///
/// # Errors
/// A sentence for the operator when the link leads elsewhere or cannot be read; never the link itself.
pub(super) fn resolve_next(collection: &Url, link: &str) -> Result<Url, &'static str> {
    let mut base = collection.clone();
    base.set_query(None);
    let target = base.join(link.trim()).map_err(|_| "the next page's address cannot be read")?;
    if !matches!(target.scheme(), "http" | "https") || !target.username().is_empty() || target.password().is_some() {
        return Err("the next page's address is not one of the web");
    }
    let root = base.path().rsplit_once('/').map_or("", |(root, _)| root);
    let path = target.path();
    let is_below = path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    let climbs = ["..", "%2f", "%2F", "%5c", "%5C", "\\"].iter().any(|sign| path.contains(sign));
    if !is_below || climbs {
        return Err("the next page's address lies outside of the feed's service root");
    }
    base.set_path(path);
    // Servers send unescaped spaces, which a URL parser mends by itself, and `+`, which they mean as they sent it.
    base.set_query(target.query());
    Ok(base)
}

/// The page that begins after so many rows, of a source that gives no links.
pub(super) fn skip_to(first: &Url, skip: usize, top: usize) -> Url {
    let mut url = first.clone();
    let own = first.query().filter(|own| !own.is_empty()).map(str::to_owned);
    let skip = (skip > 0).then(|| format!("$skip={skip}"));
    let parts: Vec<String> = own.into_iter().chain([format!("$top={top}")]).chain(skip).collect();
    url.set_query(Some(&parts.join("&")));
    url
}

fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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

    fn zone() -> TimeZone {
        jiff::tz::TimeZoneDatabase::bundled().get("America/Vancouver").unwrap()
    }

    fn collection() -> Url {
        Url::parse("https://elm.example.org/api.rsc/Enrolments").unwrap()
    }

    fn question<'a>(
        literal: Literal,
        query: &'a FeedQuery,
        fields: &'a FeedFields,
        zone: &'a TimeZone,
    ) -> Question<'a> {
        Question { query, fields, literal, zone, widened: SignedDuration::ZERO, count: false }
    }

    fn ask(literal: Literal, query: &FeedQuery) -> String {
        let options = question(literal, query, &FeedFields::default(), &zone()).odata();
        make_first_url(&collection(), options).to_string()
    }

    fn since(text: &str) -> FeedQuery {
        FeedQuery { since: Some(text.parse().unwrap()), ..FeedQuery::default() }
    }

    #[test]
    fn the_window_is_written_in_the_feeds_own_local_time() {
        assert_eq!(
            ask(Literal::QuotedLocal, &since("2025-11-23T15:26:58.9Z")),
            "https://elm.example.org/api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=date_created%20gt%20%272025-11-23%2007:26:58%27"
        );
    }

    #[test]
    fn a_date_time_offset_is_bare_and_in_utc() {
        let query =
            FeedQuery { until: Some("2025-11-24T00:00:00.1Z".parse().unwrap()), ..since("2025-11-23T15:26:58Z") };
        assert_eq!(
            ask(Literal::DateTimeOffset, &query),
            "https://elm.example.org/api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=date_created%20gt%202025-11-23T15:26:58Z%20and%20date_created%20lt%202025-11-24T00:00:01Z"
        );
    }

    #[test]
    fn quotes_are_doubled_and_nothing_breaks_out() {
        let query = FeedQuery { mail: Some("o'brien+x&y#z%@example.org".to_owned()), ..FeedQuery::default() };
        assert_eq!(
            ask(Literal::QuotedLocal, &query),
            "https://elm.example.org/api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=EMAIL%20eq%20%27o%27%27brien%2Bx%26y%23z%25%40example.org%27"
        );
        let query = FeedQuery { guid: Some("José 1".to_owned()), ..FeedQuery::default() };
        assert!(ask(Literal::QuotedLocal, &query).ends_with("&$filter=GUID%20eq%20%27Jos%C3%A9%201%27"));
    }

    #[test]
    fn what_the_address_asks_itself_is_kept() {
        let collection = Url::parse("https://elm.example.org/Enrolments?$select=GUID").unwrap();
        let url = make_first_url(&collection, vec!["$count=true".to_owned()]);
        assert_eq!(url.as_str(), "https://elm.example.org/Enrolments?$select=GUID&$count=true");
        assert_eq!(skip_to(&url, 200, 100).query(), Some("$select=GUID&$count=true&$top=100&$skip=200"));
    }

    #[test]
    fn every_literal_is_written_as_its_source_wants_it() {
        let query = since("2025-11-23T15:26:58Z");
        let (fields, zone) = (FeedFields { order: String::new(), ..FeedFields::default() }, zone());
        for (literal, wanted) in [
            (Literal::QuotedLocal, "'2025-11-23 07:26:58'"),
            (Literal::DateTimeOffset, "2025-11-23T15:26:58Z"),
            (Literal::DateTimeUtc, "datetime'2025-11-23T15:26:58'"),
            (Literal::DateTimeLocal, "datetime'2025-11-23T07:26:58'"),
            (Literal::DateTimeOffsetV2, "datetimeoffset'2025-11-23T15:26:58Z'"),
            (Literal::EpochSeconds, "1763911618"),
            (Literal::EpochMilliseconds, "1763911618000"),
            (Literal::Date, "'2025-11-22'"),
            (Literal::Us, "'11/23/2025 7:26:58 AM'"),
        ] {
            assert_eq!(question(literal, &query, &fields, &zone).filter(), format!("date_created gt {wanted}"));
        }
        let wider = Question {
            widened: SignedDuration::from_hours(1),
            ..question(Literal::QuotedLocal, &query, &fields, &zone)
        };
        assert_eq!(wider.filter(), "date_created gt '2025-11-23 06:26:58'");
    }

    #[test]
    fn the_hour_that_comes_twice_is_asked_for_whole() {
        // Clocks in Vancouver went from 02:00 PDT back to 01:00 PST at 2025-11-02T09:00Z.
        let first_pass = ask(Literal::QuotedLocal, &since("2025-11-02T08:30:00Z"));
        assert!(first_pass.ends_with("gt%20%272025-11-02%2001:00:00%27"), "{first_pass}");
        let earlier = ask(Literal::QuotedLocal, &since("2025-11-02T07:30:00Z"));
        assert!(earlier.ends_with("gt%20%272025-11-02%2000:30:00%27"), "{earlier}");
        let until = FeedQuery { until: Some("2025-11-02T09:10:00Z".parse().unwrap()), ..FeedQuery::default() };
        let second_pass = ask(Literal::QuotedLocal, &until);
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
    fn a_next_link_behind_a_proxy_is_read_at_the_feeds_own_origin() {
        for link in [
            "http://elm-inner.example.org:8080/api.rsc/Enrolments?p=1",
            "http://elm.example.org/api.rsc/Enrolments?p=1",
            "https://elm.example.org:8443/api.rsc/Enrolments?p=1",
            "//elm-inner/api.rsc/Enrolments?p=1",
        ] {
            let next = resolve_next(&collection(), link).map(|url| url.to_string());
            assert_eq!(next, Ok("https://elm.example.org/api.rsc/Enrolments?p=1".to_owned()), "{link}");
        }
    }

    #[test]
    fn a_next_link_outside_of_the_service_root_is_refused() {
        for link in [
            "https://elm.example.org/admin/Enrolments?p=1",
            "../admin/Enrolments",
            "https://elm.example.org/api.rsc",
            "/api.rsc/..%2fadmin",
            "/api.rscadmin/Enrolments",
            "https://me:pw@elm.example.org/api.rsc/Enrolments",
            "ftp://elm.example.org/api.rsc/x",
            "javascript:alert(1)",
        ] {
            assert!(resolve_next(&collection(), link).is_err(), "{link}");
        }
    }
}
