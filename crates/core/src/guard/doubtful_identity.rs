//! People who cannot be matched beyond doubt: each is left alone; very many at once mean that the GUIDs themselves changed.

use super::{Finding, IntakeView};
use crate::verdict::OutcomeCode as Code;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let doubtful = view.plan.skips.iter().filter(|skip| {
        matches!(skip.verdict.code(), Code::TwoAccounts | Code::MailMismatch | Code::GuidChanged | Code::SharedAddress)
    });
    let count = doubtful.count() as u64;
    let limits = &view.policy.limits;
    let share = share(count, view.plan.people);
    let message = format!("{count} of {} people cannot be matched beyond doubt", view.plan.people);
    if count >= limits.doubtful_exempt_under && share > limits.doubtful_share {
        return vec![Finding::block(
            "doubtful_identity",
            "run",
            format!("{message}; did the GUIDs or addresses change as a whole?"),
        )];
    }
    if count > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}

/// A part as a share of a whole, 0 to 1; of nothing, it is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^52")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
