//! Whether a feed has been silent for too long, and which of three things that is: our own schedule stands still, the feed
//! cannot be reached, or it answers and has nothing.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a feed may be quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilenceRules {
    /// While people are at work: so much business time.
    pub after: SignedDuration,
    /// While they are not: so much time outside of business hours; `None` when that is never trouble.
    pub off_hours_after: Option<SignedDuration>,
}

/// How the last reading of the feed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastRead {
    Never,
    Answered {
        /// Since when, over all readings that were answered in a row, each in its time.
        since: Timestamp,
    },
    /// It could not be reached or did not answer well.
    Failed {
        /// Since when, over all readings that failed in a row.
        since: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleState {
    Runs,
    /// Somebody paused the link or switched it off.
    Paused {
        since: Timestamp,
        by: String,
    },
    /// A run was due and none began.
    Late {
        due: Timestamp,
    },
}

/// What is known of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedWatch {
    /// When an Enrol or Suspend came last; when watching began, where none ever did.
    pub last_record: Timestamp,
    /// How the last reading ended.
    pub last_read: LastRead,
    pub schedule: ScheduleState,
    /// Whether silence was told already and has not ended: then it lasts until a record comes, also when people go home.
    pub is_told: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum SilenceCause {
    ScheduleStands {
        since: Timestamp,
        /// Who paused it, where somebody did.
        paused_by: Option<String>,
    },
    /// We ask and are not answered.
    FeedUnreachable { since: Timestamp },
    /// We ask, are answered, and there is nothing.
    FeedQuiet { since: Timestamp },
}

/// Judges the silence of a feed; `None` while all is well.
pub fn classify_silence(
    watch: &FeedWatch,
    rules: &SilenceRules,
    hours: &BusinessHours,
    now: Timestamp,
) -> Option<SilenceCause> {
    let quiet = now.duration_since(watch.last_record);
    let at_work = hours.between(watch.last_record, now);
    let is_long = if hours.is_open(now) {
        at_work >= rules.after
    } else {
        let off = quiet.checked_sub(at_work).unwrap_or(SignedDuration::ZERO);
        rules.off_hours_after.is_some_and(|after| off >= after)
    };
    (is_long || watch.is_told).then(|| watch.cause())
}

impl FeedWatch {
    /// Since when the silence has the cause that it has: what came before was another one.
    pub fn cause_since(&self) -> Timestamp {
        match (self.cause(), self.last_read) {
            (SilenceCause::FeedQuiet { .. }, LastRead::Answered { since }) => since,
            (cause, _) => cause.since(),
        }
    }

    fn cause(&self) -> SilenceCause {
        match (&self.schedule, self.last_read) {
            (ScheduleState::Paused { since, by }, _) => {
                SilenceCause::ScheduleStands { since: *since, paused_by: Some(by.clone()) }
            }
            (ScheduleState::Late { due }, _) => SilenceCause::ScheduleStands { since: *due, paused_by: None },
            (ScheduleState::Runs, LastRead::Failed { since }) => SilenceCause::FeedUnreachable { since },
            (ScheduleState::Runs, LastRead::Answered { .. } | LastRead::Never) => {
                SilenceCause::FeedQuiet { since: self.last_record }
            }
        }
    }
}

impl SilenceCause {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ScheduleStands { .. } => "schedule stands still",
            Self::FeedUnreachable { .. } => "feed unreachable",
            Self::FeedQuiet { .. } => "feed quiet",
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            Self::ScheduleStands { paused_by: Some(_), .. } => "let the link go on, if the pause is over",
            Self::ScheduleStands { paused_by: None, .. } => {
                "look whether `rollbook serve` runs and what its log says; `rollbook links` shows what is due"
            }
            Self::FeedUnreachable { .. } => "run `rollbook doctor`; if it agrees, call whoever keeps the feed",
            Self::FeedQuiet { .. } => "ask the HR system's team whether records are written; ours arrive and are empty",
        }
    }

    /// Since when, by this cause.
    pub fn since(&self) -> Timestamp {
        match self {
            Self::ScheduleStands { since, .. } | Self::FeedUnreachable { since } | Self::FeedQuiet { since } => *since,
        }
    }
}

impl fmt::Display for SilenceCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScheduleStands { paused_by: Some(by), .. } => {
                write!(out, "our schedule stands still: the link was paused by {by}")
            }
            Self::ScheduleStands { paused_by: None, .. } => {
                out.write_str("our schedule stands still: a run was due and none began")
            }
            Self::FeedUnreachable { .. } => out.write_str("the feed cannot be reached"),
            Self::FeedQuiet { .. } => out.write_str("the feed answers, and has had no new Enrol or Suspend"),
        }
    }
}

// When people are at work: hours of the day, days of the week, holidays, in one zone.

/// Further back than this no business time is counted: two years of silence are silence.
const DAYS_MAX: usize = 750;

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
