//! `[notify.hours]` and `[notify.silence]`: when people are at work, and how long a feed may be quiet.
//!
//! It only holds the rules; the alarm applies them. Next: the module `notify`.

use crate::kind::{Choice, Day, Kind, Lasting, List};
use crate::read::Section;
use crate::tree::Value;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use std::time::Duration;

/// When people are at work.
#[derive(Clone, Debug)]
pub struct BusinessHours {
    /// The first moment of a working day.
    pub from: Time,
    /// The first moment after it; later than `from`.
    pub until: Time,
    /// The days of the week that are worked.
    pub weekdays: Vec<Weekday>,
    /// Days that are not worked all the same.
    pub holidays: Vec<Date>,
    /// Where.
    pub timezone: TimeZone,
}

/// How long a feed may be quiet: without a new Enrol or Suspend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// In business hours, counted in business hours.
    pub after: Duration,
    /// Outside of them; `None` when that is never trouble.
    pub off_hours_after: Option<Duration>,
}

const WEEKDAYS: Choice<Weekday> = Choice(&[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
]);

pub(super) fn hours(section: &mut Section<'_>, zone: &TimeZone) -> BusinessHours {
    let (from, until) = section.or("open", "06:00-18:00", Open);
    BusinessHours {
        from,
        until,
        weekdays: section.or("weekdays", ["mon", "tue", "wed", "thu", "fri"], List(WEEKDAYS, 7)),
        holidays: section.or("holidays", [], List(Day, 1_000)),
        timezone: section.zone_or(zone),
    }
}

pub(super) fn silence(section: &mut Section<'_>) -> Silence {
    Silence {
        after: section.or("after", "1h", Lasting("1m", "90d")),
        off_hours_after: section.optional("off_hours_after", Lasting("1m", "90d")),
    }
}

/// `06:00-18:00`, within one day.
struct Open;

impl Kind for Open {
    type Out = (Time, Time);

    fn wants(&self) -> String {
        "two times of one day, such as \"06:00-18:00\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<(Time, Time), String> {
        let Value::Text(text) = value else { return Err(format!("this is {}, not a text", value.type_name())) };
        let times = text.split_once('-').and_then(|(from, until)| Some((time(from)?, time(until)?)));
        match times {
            None => Err("these are not two times".to_owned()),
            Some((from, until)) if from >= until => Err("the second time is not after the first".to_owned()),
            Some(times) => Ok(times),
        }
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}
