//! Which interval of the feed a run asks for, and how far what it covered reaches.

use jiff::{SignedDuration, Timestamp};

/// An interval of record creation times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Records created after this moment.
    pub since: Timestamp,
    /// Records created before this moment; everything up to the present where it is not given.
    pub until: Option<Timestamp>,
}

/// How a run chooses its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowPolicy {
    /// The window reaches back at least so far.
    pub lookback: SignedDuration,
    /// The window starts so long before what was covered, for records that appear late.
    pub overlap: SignedDuration,
}

/// How far a link has come with its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Covered {
    /// Everything that was created up to this moment was read.
    pub until: Option<Timestamp>,
    /// When the link was run first, whatever became of that run.
    pub first_run: Option<Timestamp>,
}

/// The window of an ordinary run: from what was covered minus the overlap, and at least the look-back, so that an outage
/// longer than the look-back fills itself. Where nothing is covered yet, because the first runs failed, it is from where
/// the very first would have begun.
pub fn choose_window(covered: Covered, policy: WindowPolicy, now: Timestamp) -> Window {
    let back = |from: Timestamp, by: SignedDuration| from.checked_sub(by).unwrap_or(Timestamp::MIN);
    let at_latest = back(now, policy.lookback);
    let begun = match covered {
        Covered { until: Some(until), .. } => Some(back(until, policy.overlap)),
        Covered { until: None, first_run } => first_run.map(|first| back(first, policy.lookback)),
    };
    Window { since: begun.map_or(at_latest, |begun| begun.min(at_latest)), until: None }
}

impl Covered {
    /// Up to where everything was read; before anything was, where the very first run would have begun.
    fn reaches(self, policy: WindowPolicy) -> Option<Timestamp> {
        self.until.or_else(|| self.first_run.map(|first| first.checked_sub(policy.lookback).unwrap_or(Timestamp::MIN)))
    }
}

/// How far the feed is covered after a complete read of a window at `taken_at`: it moves only over an unbroken stretch.
/// It moves back only where it lies ahead of the clock, which was wrong then or is now: nobody has read the future, and
/// reading twice does no harm. Where the first runs failed, a later window leaves their gap open.
pub fn covered_after(covered: Covered, policy: WindowPolicy, window: Window, taken_at: Timestamp) -> Option<Timestamp> {
    if open_gap(covered, policy, window).is_some() {
        return covered.until;
    }
    let reaches = window.until.map_or(taken_at, |until| until.min(taken_at));
    match covered.until {
        None => (window.until.is_none()).then_some(reaches),
        Some(covered) => Some(covered.min(taken_at).max(reaches)),
    }
}

/// The stretch before a window that nobody has read: it stays open, and people are told.
pub fn open_gap(covered: Covered, policy: WindowPolicy, window: Window) -> Option<(Timestamp, Timestamp)> {
    let reaches = covered.reaches(policy)?;
    (window.since > reaches).then_some((reaches, window.since))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: WindowPolicy =
        WindowPolicy { lookback: SignedDuration::from_mins(120), overlap: SignedDuration::from_mins(10) };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn until(minutes: i64) -> Covered {
        Covered { until: Some(at(minutes)), first_run: Some(at(-1_000)) }
    }

    #[test]
    fn runs_that_failed_before_any_went_well_leave_no_hole() {
        let covered = Covered { until: None, first_run: Some(at(500)) };
        assert_eq!(choose_window(covered, POLICY, at(600)).since, at(380));
    }

    #[test]
    fn ordinary_run_looks_back_two_hours() {
        assert_eq!(choose_window(Covered::default(), POLICY, at(600)).since, at(480));
        assert_eq!(choose_window(until(590), POLICY, at(600)).since, at(480));
    }

    #[test]
    fn outage_longer_than_the_look_back_is_filled() {
        assert_eq!(choose_window(until(100), POLICY, at(600)).since, at(90));
    }

    #[test]
    fn clock_that_went_back_leaves_no_hole() {
        assert_eq!(choose_window(until(700), POLICY, at(600)).since, at(480));
        let covered = covered_after(until(700), POLICY, Window { since: at(480), until: None }, at(600));
        assert_eq!(covered, Some(at(600)));
        // An outage follows: with 700 kept, the window would start at 690 and leave out what was written from 610 on.
        assert_eq!(choose_window(Covered { until: covered, first_run: None }, POLICY, at(900)).since, at(590));
    }

    #[test]
    fn covered_moment_moves_only_over_an_unbroken_stretch() {
        let window = |since, until: Option<i64>| Window { since: at(since), until: until.map(at) };
        let after = |covered: Covered, window| covered_after(covered, POLICY, window, at(600));
        assert_eq!(after(Covered::default(), window(480, None)), Some(at(600)));
        assert_eq!(after(Covered::default(), window(480, Some(500))), None);
        assert_eq!(after(until(300), window(290, Some(400))), Some(at(400)));
        assert_eq!(after(until(300), window(310, None)), Some(at(300)));
        assert_eq!(after(until(300), window(100, Some(200))), Some(at(300)));
        assert_eq!(open_gap(until(300), POLICY, window(310, None)), Some((at(300), at(310))));
    }

    #[test]
    fn gap_of_a_first_run_that_failed_stays_open_when_a_later_window_is_read() {
        let failed = Covered { until: None, first_run: Some(at(500)) };
        let now = Window { since: at(600), until: None };
        assert_eq!(covered_after(failed, POLICY, now, at(600)), None);
        assert_eq!(open_gap(failed, POLICY, now), Some((at(380), at(600))));
        assert_eq!(choose_window(failed, POLICY, at(700)).since, at(380));
        let whole = Window { since: at(380), until: None };
        assert_eq!(
            (covered_after(failed, POLICY, whole, at(600)), open_gap(failed, POLICY, whole)),
            (Some(at(600)), None)
        );
    }
}
