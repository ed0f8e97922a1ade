//! Too many welcome mails at once: history read as news.

use super::{Finding, IntakeView};
use crate::plan::IntakeChange;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let welcomes = |change: &&IntakeChange| matches!(change, IntakeChange::Enrol(enrol) if enrol.welcome);
    let count = view.plan.changes.iter().filter(welcomes).count() as u64;
    Finding::of_count("welcome_mails", "welcome mails", count, view.policy.limits.welcome_mails).into_iter().collect()
}
