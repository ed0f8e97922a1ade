//! When a link is due: times in, times out. It waits for nothing and asks nobody what time it is.

use jiff::{SignedDuration, Timestamp};
use rollbook_settings::link::Schedule;

/// Where the newest missed slot is looked for, the nearest first: a schedule of every minute is not walked through from
/// the day of the last outage.
const LOOK_BACK: [SignedDuration; 5] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(24 * 31),
    SignedDuration::from_hours(24 * 366),
    SignedDuration::from_hours(24 * 366 * 30),
];
/// No schedule has so many slots in the nearest stretch that has one.
const SLOTS_MAX: usize = 100_000;

/// The newest slot after `since` that has come by `now`. However many were missed, they are caught up by one run.
pub fn latest_due(schedule: &Schedule, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let first_in = |from: Timestamp| schedule.next_after(from).filter(|slot| *slot <= now);
    let begin = LOOK_BACK.iter().find_map(|back| {
        let from = now.checked_sub(*back).unwrap_or(Timestamp::MIN).max(since);
        first_in(from)
    })?;
    let slots = std::iter::successors(Some(begin), |slot| first_in(*slot).filter(|next| next > slot));
    slots.take(SLOTS_MAX).last()
}

/// The first slot after `now`.
pub fn next_due(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    schedule.next_after(now)
}
