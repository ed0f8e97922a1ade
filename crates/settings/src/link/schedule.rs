//! When a link runs: a cron expression in a time zone, and signed events from outside that wake it.
//!
//! It computes times and never waits for one, nor asks what time it is. At a change of the clocks a fixed time that is
//! skipped comes at the end of the gap, and one that is there twice comes once.

use super::Context;
use crate::kind::{DurationIn, Flag, Kind, List, MailAddress};
use crate::secret::SecretUrl;
use crate::section::Section;
use crate::tree::Value;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use secrecy::SecretString;
use std::time::Duration;

/// When a link runs, and who hears of it.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    /// The expression as it was written.
    pub text: String,
    /// The zone in which it counts.
    pub timezone: TimeZone,
    /// Whether it runs by itself at all.
    pub enabled: bool,
    /// A run begins at most so much late, by chance, so that several installations do not call at once.
    pub jitter: Duration,
    /// A run that takes longer is stopped safely.
    pub run_limit: Duration,
    /// Who gets this link's notices; the list of `[notify]` when empty.
    pub notify: Vec<Mailbox>,
    /// What is posted this link's notices; the webhook of `[notify]` when absent.
    pub webhook: Option<SecretUrl>,
}

impl Schedule {
    /// The first due time after `now`, without jitter; `None` when there is none within the calendar's end.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let here = now.to_zoned(self.timezone.clone());
        self.cron.find_next_occurrence(&here, false).ok().map(|next| next.timestamp())
    }
}

pub(super) fn read(section: &mut Section<'_>, context: &Context<'_>, default: &'static str) -> Schedule {
    let (text, cron) = section.or("schedule", default, Expression);
    Schedule {
        cron,
        text,
        timezone: section.zone_or(context.zone),
        enabled: section.or("enabled", true, Flag),
        jitter: section.or("jitter", "0s", DurationIn("0s", "10m")),
        run_limit: section.or("run_limit", "30m", DurationIn("10s", "1d")),
        notify: section.or("notify", [], List(MailAddress, 50)),
        webhook: section.secret_url("webhook", &["https", "http"]),
    }
}

/// How pushed events are believed.
#[derive(Clone, Debug)]
pub struct Push {
    /// The key of the HMAC over an event.
    pub secret: SecretString,
    /// An event whose time is further away, before or after, is refused; within it, none is taken twice.
    pub window: Duration,
}

pub(super) fn push(section: &mut Section<'_>) -> Option<Push> {
    let secret = section.secret("secret");
    let window = section.or("window", "5m", DurationIn("10s", "1h"));
    Some(Push { secret: secret?, window })
}

/// A cron expression of five fields.
struct Expression;

const FIELDS: [&str; 5] = ["minute", "hour", "day of the month", "month", "day of the week"];

impl Kind for Expression {
    type Out = (String, Cron);

    fn expects(&self) -> String {
        format!("a cron expression of five fields ({}), such as \"*/10 6-18 * * 1-5\"", FIELDS.join(", "))
    }

    fn read(&self, value: &Value) -> Result<(String, Cron), String> {
        let Value::Text(text) = value else { return Err(format!("this is {}, not a text", value.type_name())) };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let fields: Vec<_> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(format!("this has {} fields, not 5", fields.len()));
        }
        for (at, field) in fields.iter().enumerate() {
            let mut alone = ["*"; 5];
            alone[at] = field;
            if let Err(error) = parser.parse(&alone.join(" ")) {
                return Err(format!("the {} `{field}` is wrong: {}", FIELDS[at], reason(&error)));
            }
        }
        let cron = parser.parse(text).map_err(|error| error.to_string())?;
        let any_day =
            jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0).to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        match cron.find_next_occurrence(&any_day, true) {
            Ok(_) => Ok((text.clone(), cron)),
            Err(_) => Err("this day never comes".to_owned()),
        }
    }
}

/// The parser's words without its own parts' names.
fn reason(error: &croner::errors::CronError) -> String {
    let words = error.to_string().to_lowercase();
    words.trim_start_matches("component error: ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str, zone: &str) -> Schedule {
        let (text, cron) = Expression.read(&text.into()).unwrap();
        let timezone = rollbook_clock::zone(zone).unwrap();
        let nothing = Duration::ZERO;
        Schedule {
            cron,
            text,
            timezone,
            enabled: true,
            jitter: nothing,
            run_limit: nothing,
            notify: Vec::new(),
            webhook: None,
        }
    }

    fn next(schedule: &Schedule, after: &str) -> String {
        let after: Timestamp = after.parse().unwrap();
        schedule.next_after(after).unwrap().to_zoned(schedule.timezone.clone()).to_string()
    }

    #[test]
    fn a_skipped_time_comes_at_the_end_of_the_gap_and_a_doubled_one_once() {
        let gap = schedule("30 2 * * *", "America/Vancouver");
        assert_eq!(next(&gap, "2025-03-09T08:00:00Z"), "2025-03-09T03:00:00-07:00[America/Vancouver]");
        let fold = schedule("30 1 * * *", "America/Vancouver");
        assert_eq!(next(&fold, "2025-11-02T07:00:00Z"), "2025-11-02T01:30:00-07:00[America/Vancouver]");
        assert_eq!(next(&fold, "2025-11-02T08:30:00Z"), "2025-11-03T01:30:00-08:00[America/Vancouver]");
    }

    #[test]
    fn a_wrong_field_is_named() {
        let reason = |text: &str| Expression.read(&text.into()).unwrap_err();
        assert_eq!(reason("5 25 * * *"), "the hour `25` is wrong: number out of bounds");
        assert_eq!(reason("* * * *"), "this has 4 fields, not 5");
        assert_eq!(reason("0 0 31 2 *"), "this day never comes");
    }
}
