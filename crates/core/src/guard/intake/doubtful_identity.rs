//! People who cannot be matched beyond doubt: each is left alone; very many at once mean that the GUIDs themselves changed.
//! Those who are known since a run that was cleared do not count again, or a long list of them would stop every run.

use super::{Finding, IntakeView};
use crate::plan::Doubts;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let Doubts { people, new, known } = view.plan.doubts;
    let limits = &view.policy.limits;
    let mut message = format!("{new} of {people} people cannot be matched beyond doubt");
    if known > 0 {
        message += &format!(", {known} more wait for a human since earlier runs");
    }
    if new >= limits.doubtful_exempt_under && share(new, people) > limits.doubtful_share {
        message += "; did the GUIDs or addresses change as a whole?";
        return vec![Finding::block("doubtful_identity", "run", message)];
    }
    if new + known > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}

/// A part as a share of a whole, 0 to 1; of nothing, it is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^52")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
