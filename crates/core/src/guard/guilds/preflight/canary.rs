//! The configured member, who is always there, must have been seen.

use crate::guard::{Finding, GuildView};
use crate::model::CanaryAccount;

pub(in crate::guard::guilds) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    match view.inputs.community.value.sentinel {
        CanaryAccount::Seen => Vec::new(),
        CanaryAccount::Unseen => vec![Finding::block(
            "sentinel",
            "community",
            "the sentinel member was not seen in any guild: the account has lost a permission, or the sentinel left",
        )],
        CanaryAccount::NotConfigured if view.plan.changes.iter().any(crate::plan::GuildChange::removes) => {
            vec![Finding::warn(
                "sentinel",
                "community",
                "no sentinel member is configured: nothing but the limits stands between a lost permission and removals",
            )]
        }
        CanaryAccount::NotConfigured => Vec::new(),
    }
}
