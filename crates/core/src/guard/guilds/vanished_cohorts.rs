//! Cohorts that Rollbook made and that are no longer in Moodle. One or two were deleted by somebody; very many mean another
//! Moodle, or a token that lost its sight.

use super::share;
use crate::guard::{Finding, GuildView};
use crate::model::{PairState, counted_as};

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let cohorts = &view.inputs.moodle.value.cohorts;
    let asked = view.plan.guilds.iter().filter_map(|line| view.inputs.owned.pairs.get(&line.guild));
    let live: Vec<_> = asked.filter(|pair| pair.state == PairState::Live).collect();
    let vanished: Vec<_> = live.iter().filter(|pair| !cohorts.contains_key(&pair.cohort)).collect();
    let mut findings: Vec<_> = vanished
        .iter()
        .map(|pair| {
            let message = format!("cohort {} is no longer in Moodle", pair.cohort);
            Finding::warn("vanished_cohorts", format!("guild {}", pair.machine_name), message)
        })
        .collect();
    let (count, all) = (vanished.len() as u64, live.len() as u64);
    let limits = &view.policy.limits;
    if all >= limits.exempt_under && share(count, all) > limits.removals_share {
        let message = format!(
            "{count} of {} no longer in Moodle: is this the right site?",
            counted_as(all, "cohort is", "cohorts are")
        );
        findings.push(Finding::block("vanished_cohorts", "moodle", message));
    }
    findings
}
