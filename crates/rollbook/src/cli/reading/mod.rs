//! Commands that read the journal: what ran, what became of whom and why, and what waits for a human.
//!
//! Next: [`runs`], [`log`], [`explain`], [`attention`].

mod attention;
mod correct;
mod explain;
mod log;
mod runs;

pub(super) use attention::AttentionCommand;
pub(super) use explain::Explain;
pub(super) use log::Log;
pub(super) use runs::Runs;

use super::output::{Output, Sign};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::model::LinkName;

/// A moment for people, to the second, in the link's zone.
pub(super) fn format_time(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment for people, to the minute, with its zone: for a sentence.
pub(super) fn format_moment(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The zone of the link, or of all links where they have one in common; else UTC, since a list has one clock.
pub(super) fn zone_of(settings: &rollbook_settings::Settings, link: Option<&LinkName>) -> TimeZone {
    let mut zones = settings
        .links
        .values()
        .filter(|found| link.is_none_or(|link| found.name() == link))
        .map(|found| &found.schedule().timezone);
    match zones.next() {
        Some(zone) if zones.all(|other| other == zone) => zone.clone(),
        _ => TimeZone::UTC,
    }
}

/// Says which zone a list's times are in.
pub(super) fn print_zone(zone: &TimeZone, out: &mut Output) {
    out.sign(Sign::Note, format_args!("times are in {}", zone.iana_name().unwrap_or("UTC")));
}
