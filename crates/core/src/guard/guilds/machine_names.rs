//! Guilds that cannot have the idnumber they want: another guild, or a cohort of somebody else, has it.

use crate::guard::{Finding, GuildView};
use crate::verdict::LeftAlone;

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let about_names = |reason: &LeftAlone| {
        matches!(
            reason,
            LeftAlone::NameCollision { .. } | LeftAlone::CohortTaken { .. } | LeftAlone::CohortOfPlugin { .. }
        )
    };
    let skips = view.plan.skips.iter().filter(|skip| about_names(&skip.reason));
    skips.map(|skip| Finding::warn("machine_names", format!("guild {}", skip.name), skip.reason.to_string())).collect()
}
