//! Arguments that only the configuration or the journal can check: a link's name, a status, a time in the link's zone.
//!
//! What is wrong with them is a [`UsageError`], which ends the command with exit code 2, as the parser's own errors do.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use miette::{Diagnostic, Report};
use rollbook_core::model::LinkName;
use rollbook_core::run::OutcomeCode;
use rollbook_settings::Settings;

/// An argument that the command line's own grammar cannot refuse.
#[derive(Debug, Diagnostic, thiserror::Error)]
#[error("{what}")]
pub(super) struct UsageError {
    what: String,
    #[help]
    help: String,
}

/// Refuses an argument, and says what would be right.
pub(super) fn usage(what: impl Into<String>, help: impl Into<String>) -> Report {
    UsageError { what: what.into(), help: help.into() }.into()
}

/// The link of this name.
pub(super) fn find_link(settings: &Settings, name: &str) -> miette::Result<LinkName> {
    let link = LinkName::new(name);
    if settings.links.contains_key(&link) {
        return Ok(link);
    }
    let known: Vec<_> = settings.links.keys().map(LinkName::as_str).collect();
    let help = if known.is_empty() {
        "the configuration has no links yet".to_owned()
    } else {
        format!("configured links: {}", known.join(", "))
    };
    Err(usage(format!("there is no link `{name}`"), help))
}

/// The link that was named, if any was.
pub(super) fn find_link_option(settings: &Settings, name: Option<&str>) -> miette::Result<Option<LinkName>> {
    name.map(|name| find_link(settings, name)).transpose()
}

/// A moment as people write it: with an offset, or in the zone of the link; a day alone is its first moment; `-2h` is two hours
/// before `now`.
pub(super) fn read_time(option: &str, text: &str, zone: &TimeZone, now: Timestamp) -> miette::Result<Timestamp> {
    let text = text.trim();
    let wrong = |why: String| {
        let name = zone.iana_name().unwrap_or("the configured zone");
        usage(
            format!("{option} `{text}` is not a time{why}"),
            format!("write 2026-11-23, \"2026-11-23 08:00\" (in {name}), 2026-11-23T08:00-08:00, or -2h"),
        )
    };
    if text == "now" {
        return Ok(now);
    }
    if let Some(ago) = text.strip_prefix('-') {
        let span: Span = ago.parse().map_err(|_| wrong(String::new()))?;
        return now.to_zoned(zone.clone()).checked_sub(span).map(|at| at.timestamp()).map_err(|_| wrong(String::new()));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|day| day.at(0, 0, 0, 0)));
    let local = local.map_err(|_| wrong(String::new()))?;
    local.to_zoned(zone.clone()).map(|at| at.timestamp()).map_err(|error| wrong(format!(": {error}")))
}

/// Both ends of an interval; its end lies after its beginning.
pub(super) fn read_interval(
    since: Option<&str>,
    until: Option<&str>,
    zone: &TimeZone,
    now: Timestamp,
) -> miette::Result<(Option<Timestamp>, Option<Timestamp>)> {
    let since = since.map(|text| read_time("--since", text, zone, now)).transpose()?;
    let until = until.map(|text| read_time("--until", text, zone, now)).transpose()?;
    match (since, until) {
        (Some(from), Some(to)) if from >= to => {
            let local = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
            let what = format!("the interval is empty: --since {} is not before --until {}", local(from), local(to));
            Err(usage(what, "swap the two, or leave --until out for everything up to now"))
        }
        both => Ok(both),
    }
}

/// A value that must not be empty.
pub(super) fn not_empty(option: &str, text: Option<String>) -> miette::Result<Option<String>> {
    match text {
        Some(text) if text.trim().is_empty() => {
            Err(usage(format!("{option} is empty"), "give a value, or leave it out"))
        }
        text => Ok(text.map(|text| text.trim().to_owned())),
    }
}

/// A status word of the log, or an outcome's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusFilter {
    /// One of the four words of the log's status column.
    Status(&'static str),
    /// An outcome.
    Code(OutcomeCode),
}

/// The words of the log's status column.
pub(super) const STATUSES: [&str; 4] = ["Success", "Error", "Waiting", "Skipped"];

/// Reads `--status`: a word of the status column, or an outcome such as `mail_mismatch` (spaces and dashes count as `_`).
pub(super) fn read_status(text: &str) -> miette::Result<StatusFilter> {
    let word = text.trim().to_lowercase().replace([' ', '-'], "_");
    if let Some(status) = STATUSES.iter().find(|status| status.eq_ignore_ascii_case(&word)) {
        return Ok(StatusFilter::Status(status));
    }
    OutcomeCode::read(&word).map(StatusFilter::Code).ok_or_else(|| {
        let closest = closest(&word, OutcomeCode::ALL.iter().map(|code| code.as_str()));
        usage(
            format!("there is no status or outcome `{text}`"),
            format!("statuses: {}; outcomes such as {closest}", STATUSES.join(", ")),
        )
    })
}

/// The kind of an attention item; every outcome's code is one.
pub(super) fn read_kind(text: &str, known: &[String]) -> miette::Result<String> {
    let word = text.trim().to_lowercase().replace([' ', '-'], "_");
    if known.contains(&word) || OutcomeCode::read(&word).is_some() {
        return Ok(word);
    }
    let help = if known.is_empty() {
        format!("did you mean {}?", closest(&word, OutcomeCode::ALL.iter().map(|code| code.as_str())))
    } else {
        format!("kinds that are open now: {}", known.join(", "))
    };
    Err(usage(format!("there is no kind `{text}`"), help))
}

/// The word that looks most like this one.
fn closest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> &'a str {
    let likeness = |candidate: &str| strsim::jaro_winkler(candidate, word);
    among.max_by(|one, other| likeness(one).total_cmp(&likeness(other))).unwrap_or("enrolled")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vancouver() -> TimeZone {
        rollbook_clock::zone("America/Vancouver").unwrap()
    }

    #[test]
    fn a_time_is_read_in_the_links_zone_unless_it_bears_an_offset() {
        let now: Timestamp = "2025-07-01T12:00:00Z".parse().unwrap();
        let read = |text: &str| read_time("--since", text, &vancouver(), now).map(|at| at.to_string());
        assert_eq!(read("2025-06-30").unwrap(), "2025-06-30T07:00:00Z");
        assert_eq!(read("2025-06-30 08:00").unwrap(), "2025-06-30T15:00:00Z");
        assert_eq!(read("2025-06-30T08:00+02:00").unwrap(), "2025-06-30T06:00:00Z");
        assert_eq!(read("-2h").unwrap(), "2025-07-01T10:00:00Z");
        assert_eq!(read("now").unwrap(), now.to_string());
        assert!(read("yesterday").unwrap_err().to_string().contains("`yesterday` is not a time"));
    }

    #[test]
    fn an_interval_that_ends_before_it_begins_is_refused() {
        let now: Timestamp = "2025-07-01T12:00:00Z".parse().unwrap();
        let error = read_interval(Some("2025-06-30"), Some("2025-06-29"), &vancouver(), now).unwrap_err();
        assert!(error.downcast_ref::<UsageError>().is_some());
        assert!(read_interval(Some("2025-06-29"), Some("2025-06-30"), &vancouver(), now).is_ok());
    }

    #[test]
    fn an_unknown_status_names_the_known_ones() {
        assert_eq!(read_status("waiting").unwrap(), StatusFilter::Status("Waiting"));
        assert_eq!(read_status("Mail mismatch").unwrap(), StatusFilter::Code(OutcomeCode::MailMismatch));
        let error = read_status("mail_missmatch").unwrap_err();
        assert!(format!("{:?}", error.help().map(|help| help.to_string())).contains("mail_mismatch"));
    }
}
