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

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment for people, to the second, in the link's zone.
fn shown(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The zone of the only link, else UTC: a list over links of several zones has one clock.
fn zone_of(settings: &rollbook_settings::Settings, link: Option<&str>) -> TimeZone {
    let mut zones = settings
        .links
        .values()
        .filter(|found| link.is_none_or(|link| found.name().as_str() == link))
        .map(|found| &found.schedule().timezone);
    match (zones.next(), zones.next()) {
        (Some(zone), None) => zone.clone(),
        _ => TimeZone::UTC,
    }
}
