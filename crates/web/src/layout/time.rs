//! A time as people read it: how long ago, and on hover the exact time in the link's zone.

use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::model::LinkName;
use rollbook_settings::Settings;

/// The zone in which a link's times are shown; without a link that of the first one.
pub fn zone_of(settings: &Settings, link: Option<&LinkName>) -> TimeZone {
    let links = &settings.links;
    let found = link.and_then(|name| links.get(name)).or_else(|| links.values().next());
    found.map_or(TimeZone::UTC, |link| link.schedule().timezone.clone())
}

/// Shows times.
#[derive(Clone, Debug)]
pub struct TimeFormatter {
    /// The moment of the request.
    pub now: Timestamp,
    /// The zone.
    pub zone: TimeZone,
}

/// A time as a part of a page.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/time.html")]
pub struct ShownTime {
    /// For machines.
    pub machine: String,
    /// On hover.
    pub exact: String,
    /// To read.
    pub text: String,
}

impl askama::filters::HtmlSafe for ShownTime {}

impl TimeFormatter {
    /// Times seen from `now`, in `zone`.
    pub fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// How long ago, or how soon.
    pub fn ago(&self, at: Timestamp) -> ShownTime {
        ShownTime { text: relative(self.now, at), ..self.exactly(at) }
    }

    /// How long ago, where it was.
    pub fn maybe(&self, at: Option<Timestamp>) -> Option<ShownTime> {
        at.map(|at| self.ago(at))
    }

    /// The exact time, as it is also shown on hover.
    pub fn exactly(&self, at: Timestamp) -> ShownTime {
        let exact = self.text(at);
        ShownTime { machine: at.to_string(), text: exact.clone(), exact }
    }

    /// `2026-11-23 09:00:12 PST`
    pub fn text(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// How a form's field for a time writes it: `2026-11-23T09:00`.
    pub fn field(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// The moment that a form's field means.
    pub fn read_field(&self, text: &str) -> Option<Timestamp> {
        let civil: jiff::civil::DateTime = text.trim().parse().ok()?;
        civil.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    /// The moment at which this day began.
    pub fn day_began(&self) -> Timestamp {
        let today = self.now.to_zoned(self.zone.clone()).start_of_day();
        today.map_or(self.now, |began| began.timestamp())
    }

    /// The moment at which this week's Monday began.
    pub fn week_began(&self) -> Timestamp {
        let today = self.now.to_zoned(self.zone.clone()).date();
        let since_monday = i64::from(today.weekday().to_monday_zero_offset());
        let monday = today.checked_sub(jiff::Span::new().days(since_monday)).unwrap_or(today);
        monday.to_zoned(self.zone.clone()).map_or(self.now, |began| began.timestamp())
    }
}

/// `3 min ago`, `in 2 h`
fn relative(now: Timestamp, at: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    let away = seconds.unsigned_abs();
    let text = match away {
        0..=9 => return if seconds > 0 { "in a moment".to_owned() } else { "just now".to_owned() },
        10..=89 => format!("{away} s"),
        90..=5_399 => format!("{} min", (away + 30) / 60),
        5_400..=172_799 => format!("{} h", (away + 1_800) / 3_600),
        172_800..=5_183_999 => format!("{} days", (away + 43_200) / 86_400),
        5_184_000..=63_071_999 => format!("{} months", away / 2_629_800),
        _ => format!("{} years", away / 31_536_000),
    };
    if seconds > 0 { format!("in {text}") } else { format!("{text} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_in_the_unit_that_people_would_use() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let shown = |text: &str| relative(now, text.parse().unwrap());
        assert_eq!(shown("2026-11-23T11:59:55Z"), "just now");
        assert_eq!(shown("2026-11-23T11:57:00Z"), "3 min ago");
        assert_eq!(shown("2026-11-23T14:00:00Z"), "in 2 h");
        assert_eq!(shown("2026-11-20T12:00:00Z"), "3 days ago");
        assert_eq!(shown("2025-11-23T12:00:00Z"), "11 months ago");
        assert_eq!(shown("2020-11-23T12:00:00Z"), "6 years ago");
    }

    #[test]
    fn days_and_weeks_begin_in_the_links_zone() {
        let zone = rollbook_clock::zone("America/Vancouver").unwrap();
        let times = TimeFormatter::new("2026-11-25T03:00:00Z".parse().unwrap(), zone);
        assert_eq!(times.day_began().to_string(), "2026-11-24T07:00:00Z");
        assert_eq!(times.week_began().to_string(), "2026-11-23T07:00:00Z");
        assert_eq!(times.field(times.now), "2026-11-24T20:00");
        assert_eq!(times.read_field("2026-11-24T20:00"), Some(times.now));
    }
}
