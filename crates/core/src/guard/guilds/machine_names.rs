//! Guilds that cannot have the idnumber they want: another guild, or a cohort of somebody else, has it.

use crate::guard::{Finding, GuildView};
use crate::verdict::SkipReason;

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let about_names = |reason: &SkipReason| {
        matches!(
            reason,
            SkipReason::NameCollision { .. } | SkipReason::CohortTaken { .. } | SkipReason::CohortOfPlugin { .. }
        )
    };
    let skips = view.plan.skips.iter().filter(|skip| about_names(&skip.reason));
    skips.map(|skip| Finding::warn("machine_names", format!("guild {}", skip.name), skip.reason.to_string())).collect()
}
