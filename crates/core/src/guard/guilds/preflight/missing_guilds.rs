//! Guilds that were there before and are not to be seen. One that the community says it has deleted is retired within the
//! limits; one that the account may not see is left alone; of one about which nothing is said, all absence is doubted.

use crate::guard::{Finding, GuildView};
use crate::verdict::{RemovalBlock, SkipReason};

pub(in crate::guard::guilds) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let held = view.plan.holds.contains(&RemovalBlock::GuildsUnseen);
    let unseen = view.plan.skips.iter().filter(|skip| skip.reason == SkipReason::GuildUnseen);
    let effect = if held { "nothing is removed anywhere" } else { "it is left alone" };
    let message = format!("was there before and is not to be seen now: {effect}");
    unseen.map(|skip| Finding::warn("missing_guilds", format!("guild {}", skip.name), message.clone())).collect()
}
