//! Too much taken away at once: by number per run, and as a share of what Rollbook owns, per run and per guild.

use super::share;
use crate::guard::{Finding, GuildView};
use crate::model::{CohortId, GuildUuid};
use crate::plan::{GuildChange, Retire};
use std::collections::BTreeMap;

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let mut per_guild = BTreeMap::<&GuildUuid, (CohortId, u64)>::new();
    let mut roles = 0;
    for change in &view.plan.changes {
        match change {
            GuildChange::RemoveMember(member) => {
                if let Some(cohort) = member.cohort {
                    per_guild.entry(&member.guild).or_insert((cohort, 0)).1 += 1;
                }
            }
            GuildChange::RetireCohort { guild, cohort, retire: Retire::Delete, .. } => {
                per_guild.entry(guild).or_insert((*cohort, 0)).1 += view.inputs.owned.members_of(*cohort);
            }
            GuildChange::UnassignRole(_) => roles += 1,
            _ => {}
        }
    }
    let members = per_guild.values().map(|(_, count)| count).sum();
    let owned = view.inputs.owned;
    let owned_members = owned.members.values().map(|members| members.len() as u64).sum();
    let mut findings = of_run(view, "memberships", members, owned_members);
    findings.extend(of_run(view, "role assignments", roles, owned.assignments.len() as u64));
    findings.extend(per_guild.iter().filter_map(|(guild, (cohort, count))| of_guild(view, guild, *cohort, *count)));
    findings
}

fn of_run(view: &GuildView<'_>, what: &str, count: u64, owned: u64) -> Vec<Finding> {
    let limits = &view.policy.limits;
    let by_count = Finding::of_count("removals", &format!("{what} would be removed"), count, limits.removals);
    let over = owned >= limits.exempt_under && share(count, owned) > limits.removals_share;
    let by_share = over.then(|| {
        let percent = limits.removals_share * 100.0;
        let message = format!("{count} of {owned} {what} would be removed, the limit is {percent:.0} %");
        Finding::block("removals_share", "run", message)
    });
    by_count.into_iter().chain(by_share).collect()
}

fn of_guild(view: &GuildView<'_>, guild: &GuildUuid, cohort: CohortId, count: u64) -> Option<Finding> {
    let limits = &view.policy.limits;
    let owned = view.inputs.owned.members_of(cohort);
    let over = owned >= limits.exempt_under && share(count, owned) > limits.removals_share;
    let percent = limits.removals_share * 100.0;
    let message = || format!("{count} of {owned} members would be removed, the limit is {percent:.0} %");
    over.then(|| Finding::block("removals_share", label(view, guild), message()))
}

fn label(view: &GuildView<'_>, guild: &GuildUuid) -> String {
    let line = view.plan.guilds.iter().find(|line| line.guild == *guild);
    let pair = || view.inputs.owned.pairs.get(guild).map(|pair| pair.machine_name.to_string());
    let name = line.map(|line| line.machine_name.to_string()).or_else(pair);
    format!("guild {}", name.unwrap_or_else(|| guild.to_string()))
}
