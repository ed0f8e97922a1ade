//! How long to wait before the next try: twice as long each time, bounded, a little different each time.

use crate::policy::DeliveryRules;
use jiff::{SignedDuration, Timestamp};

/// A number drawn by the caller, 0 to 999: the jitter comes in as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u16);

/// The jitter's share of a wait, in per cent.
const JITTER_PERCENT: i64 = 20;

impl Draw {
    /// Takes the last three digits.
    pub fn new(number: u64) -> Self {
        Self(u16::try_from(number % 1_000).unwrap_or(0))
    }

    fn of(self, whole: SignedDuration) -> SignedDuration {
        let millis = whole.as_millis() * i128::from(JITTER_PERCENT) * i128::from(self.0) / 100_000;
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// The wait after so many failures, from 1: the first wait doubled each time, at most the longest, less up to a fifth by
/// the draw. What the ELM asks for counts where it is longer.
pub fn back_off(failures: u32, asked: Option<SignedDuration>, rules: &DeliveryRules, draw: Draw) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(30);
    let wait = rules.first.checked_mul(1 << doublings).unwrap_or(rules.longest).min(rules.longest);
    let wait = wait - draw.of(wait);
    wait.max(asked.unwrap_or(SignedDuration::ZERO))
}

/// A moment after another; the end of time is as late as it gets.
pub(super) fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_only_shortens() {
        let rules = DeliveryRules::default();
        let wait = |failures, draw| back_off(failures, None, &rules, Draw::new(draw)).as_secs();
        assert_eq!(
            [0, 1, 2, 3, 9, 10, u32::MAX].map(|failures| wait(failures, 0)),
            [60, 60, 120, 240, 15_360, 21_600, 21_600]
        );
        assert_eq!(wait(1, 500), 54);
        assert!(wait(1, 999) >= 48);
    }

    #[test]
    fn what_the_elm_asks_for_counts_even_beyond_the_longest() {
        let rules = DeliveryRules::default();
        let day = SignedDuration::from_hours(24);
        assert_eq!(back_off(1, Some(day), &rules, Draw::new(0)), day);
        assert_eq!(back_off(1, Some(SignedDuration::from_secs(1)), &rules, Draw::new(0)).as_secs(), 60);
    }
}
