//! Records dated in the future: a wrong year, or a wrong time zone. Once applied, such a record makes all that really
//! follow it stale until its date has come, so somebody should know.

use super::{Finding, IntakeView};
use jiff::SignedDuration;

/// Clocks and time zones may be so far apart without a word.
const TOLERATED: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let Ok(latest) = view.now.checked_add(TOLERATED) else {
        return Vec::new();
    };
    let ages = view.feed.records.value.iter().filter_map(|record| record.age());
    let ahead = ages.filter(|age| age.changed.max(age.created) > latest).count();
    if ahead == 0 {
        return Vec::new();
    }
    let message = format!("records dated more than a day ahead of the clock: {ahead}; later ones may count as stale");
    vec![Finding::warn("dates_ahead", "feed", message)]
}
