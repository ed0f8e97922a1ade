//! Whether the community showed what there is. Drupal answers 200 with nothing in it to an account that lost a permission,
//! to a wrong password, and to the right one after five wrong ones.

use super::{Finding, GuildView, places};
use crate::model::{CanaryAccount, Identity, counted, counted_as};
use crate::plan::{GuildChange, Scope};
use crate::verdict::{RemovalBlock, SkipReason};

/// The community must have said who was reading.
pub(super) fn identity(view: &GuildView<'_>) -> Vec<Finding> {
    match &view.inputs.community.value.identity {
        Identity::Proven { .. } | Identity::Database => Vec::new(),
        Identity::Anonymous => vec![Finding::block(
            "identity",
            "community",
            "the community took Rollbook for nobody in particular: password, token or flood protection",
        )],
    }
}

/// The configured member, who is always there, must have been seen.
pub(super) fn canary(view: &GuildView<'_>) -> Vec<Finding> {
    match view.inputs.community.value.sentinel {
        CanaryAccount::Seen => Vec::new(),
        CanaryAccount::Unseen => vec![Finding::block(
            "sentinel",
            "community",
            "the sentinel member was not seen in any guild: the account has lost a permission, or the sentinel left",
        )],
        CanaryAccount::NotConfigured if view.plan.changes.iter().any(GuildChange::removes) => {
            vec![Finding::warn(
                "sentinel",
                "community",
                "no sentinel member is configured: nothing but the limits stands between a lost permission and removals",
            )]
        }
        CanaryAccount::NotConfigured => Vec::new(),
    }
}

/// Says what did not arrive. Nothing is taken away then; the planner sees to that, and this check stands behind it.
pub(super) fn completeness(view: &GuildView<'_>) -> Vec<Finding> {
    let (community, moodle) = (view.inputs.community, view.inputs.moodle);
    let gaps = community.gaps.iter().map(|gap| ("community", gap));
    let gaps: Vec<_> = gaps.chain(moodle.gaps.iter().map(|gap| ("moodle", gap))).collect();
    let mut findings: Vec<_> =
        gaps.iter().map(|(side, gap)| Finding::warn("completeness", *side, gap.to_string())).collect();
    let removals = places(&view.plan.changes, GuildChange::removes);
    if !gaps.is_empty() && !removals.is_empty() {
        let message = "the plan takes something away on the word of an incomplete answer";
        findings.push(Finding::block("completeness", "run", message).holding(removals));
    }
    findings
}

/// There were members, and now there are none: that is a lost permission far more often than an empty community.
pub(super) fn empty_source(view: &GuildView<'_>) -> Vec<Finding> {
    let owned: u64 = view.inputs.owned.members.values().map(|members| members.len() as u64).sum();
    let community = &view.inputs.community.value;
    let members: usize = community.guilds.iter().map(|guild| guild.members.len()).sum();
    if *view.inputs.scope != Scope::All || owned == 0 || members > 0 {
        return Vec::new();
    }
    let message = format!(
        "the community shows {} and no members; {} there before",
        counted(community.guilds.len(), "guild"),
        counted_as(owned, "membership was", "memberships were")
    );
    vec![Finding::block("empty_source", "community", message)]
}

/// Guilds that were there before and are not to be seen. One that the community says it has deleted is retired within the
/// limits; one that the account may not see is left alone; of one about which nothing is said, all absence is doubted.
pub(super) fn missing_guilds(view: &GuildView<'_>) -> Vec<Finding> {
    let held = view.plan.holds.contains(&RemovalBlock::GuildsUnseen);
    let unseen = view.plan.skips.iter().filter(|skip| skip.reason == SkipReason::GuildUnseen);
    let effect = if held { "nothing is removed anywhere" } else { "it is left alone" };
    let message = format!("was there before and is not to be seen now: {effect}");
    unseen.map(|skip| Finding::warn("missing_guilds", format!("guild {}", skip.name), message.clone())).collect()
}
