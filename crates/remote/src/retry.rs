//! Repeats a read that failed for a passing reason, with a growing, jittered, bounded wait, and counts that.
//!
//! It must never be given a write: repeating one is `apply`'s decision, after re-reading. Next: the `read` modules.

use crate::measure::Called;
use backon::{ExponentialBuilder, Retryable};
use std::time::Duration;

/// How often and how patiently a read is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included; at least one is made.
    pub tries_max: u32,
    /// The first wait; each further one doubles, with jitter of up to once its length.
    pub delay: Duration,
    /// Longest single wait. A remote that asks for more by `Retry-After` gets no further attempt now: the error
    /// carries its wish to the scheduler.
    pub wait_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { tries_max: 3, delay: Duration::from_millis(500), wait_max: Duration::from_secs(30) }
    }
}

/// What the retry needs to know about a failure.
pub trait Passing {
    /// Whether the same request may succeed a little later.
    fn is_transient(&self) -> bool;
    /// How long the remote asked to be left alone.
    fn retry_after(&self) -> Option<Duration>;
}

/// Runs `read` until it succeeds, fails for good, or the policy is used up; gives the last failure.
///
/// # Errors
/// The last attempt's own error.
pub async fn retry_read<T, E, F, Fut>(policy: RetryPolicy, called: Called<'_>, read: F) -> Result<T, E>
where
    E: Passing,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let waits = ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(policy.delay)
        .with_max_delay(policy.wait_max)
        .with_max_times(policy.tries_max.saturating_sub(1) as usize);
    // The cap stands here as well because backon adds its jitter after its own.
    read.retry(waits)
        .when(E::is_transient)
        .adjust(|error, wait| match error.retry_after() {
            Some(wish) if wish > policy.wait_max => None,
            Some(wish) => wait.map(|wait| wait.max(wish)),
            None => wait.map(|wait| wait.min(policy.wait_max)),
        })
        .notify(|_, _| called.count_retry())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[derive(Debug, PartialEq)]
    struct Busy(Option<Duration>);

    impl Passing for Busy {
        fn is_transient(&self) -> bool {
            true
        }
        fn retry_after(&self) -> Option<Duration> {
            self.0
        }
    }

    const CALLED: Called<'_> = Called { site: "moodle", function: "read" };
    const QUICK: RetryPolicy =
        RetryPolicy { tries_max: 3, delay: Duration::from_millis(1), wait_max: Duration::from_millis(5) };

    #[tokio::test]
    async fn a_passing_failure_is_tried_three_times_in_all() {
        let tries = Cell::new(0);
        let outcome: Result<(), Busy> = retry_read(QUICK, CALLED, || async {
            tries.set(tries.get() + 1);
            Err(Busy(None))
        })
        .await;
        assert_eq!(outcome, Err(Busy(None)));
        assert_eq!(tries.get(), 3);
    }

    #[tokio::test]
    async fn a_longer_wish_than_the_limit_ends_the_tries_at_once() {
        let tries = Cell::new(0);
        let wish = Some(Duration::from_secs(300));
        let outcome: Result<(), Busy> = retry_read(QUICK, CALLED, || async {
            tries.set(tries.get() + 1);
            Err(Busy(wish))
        })
        .await;
        assert_eq!(outcome, Err(Busy(wish)));
        assert_eq!(tries.get(), 1);
    }
}
