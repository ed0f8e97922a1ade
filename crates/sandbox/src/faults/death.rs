//! A process that dies: what is left of it is a future that is polled no more.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Drops a future after so many polls, wherever it waits, which is all that `kill -9` leaves behind. Says whether it had ended
/// before.
pub async fn cut<F: Future>(future: F, polls: u64) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}
