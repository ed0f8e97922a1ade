//! Which changes of a plan must wait for a person: named checks over a plan, and the only way to a [`Cleared`] plan.

mod completions;
mod decide;
mod finding;
mod guilds;
mod guilds_sources;
mod intake;

pub use completions::{CompletionsView, check_completions};
pub use decide::{Approval, Cleared, Decision, Guarded, decide};
pub use finding::{Finding, Held, Level};
pub use guilds::{GuildView, check_guilds};
pub use intake::{IntakeView, check_correction, check_intake};

use jiff::{SignedDuration, Timestamp};

/// A part as a share of a whole, 0 to 1; of nothing, it is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A plan that was made too long ago: the world has moved since.
fn stale_plan(made: Timestamp, now: Timestamp, limit: SignedDuration) -> Option<Finding> {
    let age = now.duration_since(made);
    let message = format!("the plan is {} s old, the limit is {} s", age.as_secs(), limit.as_secs());
    (age > limit).then(|| Finding::block("stale_plan", "plan", message))
}

/// The places of the items that a condition holds for.
fn places<T>(items: &[T], holds: impl Fn(&T) -> bool) -> Vec<usize> {
    items.iter().enumerate().filter(|(_, item)| holds(item)).map(|(place, _)| place).collect()
}
