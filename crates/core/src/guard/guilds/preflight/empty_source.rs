//! There were members, and now there are none: that is a lost permission far more often than an empty community.

use crate::guard::{Finding, GuildView};
use crate::model::{counted, counted_as};
use crate::plan::Scope;

pub(in crate::guard::guilds) fn check(view: &GuildView<'_>) -> Vec<Finding> {
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
