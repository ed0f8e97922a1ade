//! When people are at work: hours of the day, days of the week, holidays, in one zone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Further back than this no business time is counted: two years of silence are silence.
const DAYS_MAX: usize = 750;

/// The calendar.
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
    pub zone: TimeZone,
}

impl BusinessHours {
    /// Whether people are at work.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let here = at.to_zoned(self.zone.clone());
        self.opening(here.date()).is_some_and(|(from, until)| from <= at && at < until)
    }

    /// How much business time lies between two moments; real time, whatever the clocks do in between.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let last = until.to_zoned(self.zone.clone()).date();
        let days = std::iter::successors(Some(last), |day| day.yesterday().ok()).take(DAYS_MAX);
        let begins = from.to_zoned(self.zone.clone()).date();
        let stretches =
            days.take_while(|day| *day >= begins).filter_map(|day| self.opening(day)).map(|(open, close)| {
                let (open, close) = (open.max(from), close.min(until));
                if open < close { close.duration_since(open) } else { SignedDuration::ZERO }
            });
        stretches.fold(SignedDuration::ZERO, |sum, stretch| sum.checked_add(stretch).unwrap_or(sum))
    }

    /// When a day opens and closes; `None` where it is not worked.
    fn opening(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.weekdays.contains(&day.weekday()) || self.holidays.contains(&day) {
            return None;
        }
        let moment = |time: Time| day.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|at| at.timestamp());
        Some((moment(self.from)?, moment(self.until)?))
    }
}
