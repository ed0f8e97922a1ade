//! The checks of the guilds flow, one file each.

mod doubtful_identity;
mod machine_names;
mod new_accounts;
mod preflight;
mod protected;
mod removals;
mod stale_plan;
mod vanished_cohorts;

use super::Finding;
use crate::plan::{GuildInputs, GuildPlan};
use crate::policy::GuildPolicy;
use jiff::Timestamp;

/// What the checks of guilds look at.
#[derive(Clone, Copy, Debug)]
pub struct GuildView<'a> {
    /// The plan.
    pub plan: &'a GuildPlan,
    /// What it was made from.
    pub inputs: &'a GuildInputs<'a>,
    /// The rules.
    pub policy: &'a GuildPolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

type GuildCheck = fn(&GuildView<'_>) -> Vec<Finding>;

/// Every check of guilds; each is on by default.
const GUILD_CHECKS: [GuildCheck; 12] = [
    preflight::identity::check,
    preflight::canary::check,
    preflight::completeness::check,
    preflight::empty_source::check,
    preflight::missing_guilds::check,
    removals::check,
    protected::check,
    vanished_cohorts::check,
    machine_names::check,
    doubtful_identity::check,
    new_accounts::check,
    stale_plan::check,
];

/// Runs every check of guilds over a plan.
pub fn check_guilds(view: &GuildView<'_>) -> Vec<Finding> {
    GUILD_CHECKS.iter().flat_map(|check| check(view)).collect()
}

/// A part as a share of a whole, 0 to 1; of nothing, it is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
