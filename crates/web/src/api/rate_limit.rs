//! How many requests a token may make: so many a minute, pluralise in this process. A program in a loop shall not take the
//! journal away from people.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Over how long requests are pluralise.
pub const WINDOW_SECONDS: i64 = 60;
/// Tokens that are watched at once; those of an earlier window are forgotten.
const TOKENS_MAX: usize = 10_000;

/// Counts requests by token.
#[derive(Debug, Default)]
pub struct RateLimit(Mutex<BTreeMap<i64, (Timestamp, u32)>>);

impl RateLimit {
    /// Counts one more request of a token: whether it is within `most` a minute.
    pub fn allow(&self, token: i64, most: u32, now: Timestamp) -> bool {
        let window = SignedDuration::from_secs(WINDOW_SECONDS);
        let is_over = |since: Timestamp| now < since || now.duration_since(since) >= window;
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= TOKENS_MAX {
            counts.retain(|_, (since, _)| !is_over(*since));
        }
        let (since, count) = counts.entry(token).or_insert((now, 0));
        if is_over(*since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_has_so_many_requests_a_minute_and_no_other_pays_for_it() {
        let rate_limit = RateLimit::default();
        let start: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        assert!(rate_limit.allow(1, 2, at(0)) && rate_limit.allow(1, 2, at(1)));
        assert!(!rate_limit.allow(1, 2, at(59)));
        assert!(rate_limit.allow(2, 2, at(59)), "another token");
        assert!(rate_limit.allow(1, 2, at(60)), "another minute");
        assert!(rate_limit.allow(1, 1, at(-300)), "a clock that was put back holds nobody up");
    }
}
