//! What a synchronisation comes to: the guards' word, the numbers, what was left alone, and all of it as JSON.

use super::help::capability;
use super::lines::Lines;
use crate::cli::output::{Sign, Table};
use crate::pipeline::guilds::{GuildsFlow, GuildsReport};
use rollbook_core::guard::Level;
use rollbook_core::model::GuildUuid;
use rollbook_core::plan::{GuildChange, GuildSkip};
use rollbook_core::run::{Outcome, RunState};
use rollbook_core::verdict::LeftAlone;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// So many are listed where details were not asked for.
const LISTED_MAX: usize = 20;

/// What the guards found, and where a refused plan waits.
pub(super) fn tell_findings(report: &GuildsReport, lines: &mut Lines<'_>) {
    for finding in &report.findings {
        let sign = if finding.level == Level::Block { Sign::Failed } else { Sign::Warning };
        lines.sign(sign, format_args!("guard {} ({}): {}", finding.check, finding.subject, finding.message));
    }
    if report.state != RunState::GuardRefused {
        if let Some(by) = &report.approved_by {
            lines.sign(Sign::Note, format_args!("approved by {by}; the approval is used up"));
        }
        return;
    }
    match report.waiting {
        Some(id) => {
            lines.sign(Sign::Failed, "the plan was stored, not run: nothing was changed in Moodle");
            lines.sign(Sign::Note, format_args!("look at it: rollbook plans show {id}"));
            lines.sign(Sign::Note, format_args!("let it run once: rollbook plans approve {id}"));
        }
        None => lines.sign(Sign::Failed, "a guard would refuse this plan"),
    }
}

/// The numbers.
pub(super) fn tell_summary(report: &GuildsReport, lines: &mut Lines<'_>) {
    let counts = &report.counts;
    if lines.is_dry() {
        let of = |wanted: fn(&GuildChange) -> bool| report.plan.changes.iter().filter(|change| wanted(change)).count();
        let added = of(|change| matches!(change, GuildChange::AddMember(_)));
        let removed = of(|change| matches!(change, GuildChange::RemoveMember(_)));
        let (unchanged, cohorts) = (counts.unchanged, of(is_cohort));
        lines.sign(
            Sign::Done,
            format_args!(
                "would add {added}, remove {removed}, leave {unchanged} unchanged, and touch {cohorts} cohorts"
            ),
        );
        return;
    }
    if report.state == RunState::GuardRefused {
        return;
    }
    let total = counts.added + counts.unchanged;
    let mut table = Table::new(["cohorts", "added", "removed", "unchanged", "total"]).numbers(&[0, 1, 2, 3, 4]);
    table.row([counts.cohorts, counts.added, counts.removed, counts.unchanged, total]);
    lines.out.table(&table);
    if counts.roles_assigned + counts.roles_unassigned + counts.accounts > 0 {
        let (given, taken, made) = (counts.roles_assigned, counts.roles_unassigned, counts.accounts);
        lines.sign(Sign::Note, format_args!("roles: {given} assigned, {taken} unassigned; accounts made: {made}"));
    }
    if report.credited > 0 {
        let credited = report.credited;
        lines.sign(Sign::Note, format_args!("{credited} changes of an earlier run turned out to be done"));
    }
    tell_undone(report, lines);
}

fn is_cohort(change: &GuildChange) -> bool {
    matches!(
        change,
        GuildChange::CreateCohort { .. }
            | GuildChange::AdoptCohort { .. }
            | GuildChange::UpdateCohort { .. }
            | GuildChange::RetireCohort { .. }
    )
}

/// Changes that did not come about, by reason, with what the token lacks where that is it.
fn tell_undone(report: &GuildsReport, lines: &mut Lines<'_>) {
    let mut reasons = BTreeMap::<String, u64>::new();
    for applied in report.applied.iter().flatten() {
        let reason = match &applied.outcome {
            Outcome::Done | Outcome::AlreadySo => continue,
            Outcome::Refused { code } => format!("Moodle refused them ({code})"),
            Outcome::Unknown => "no answer came; the next run looks what became of them".to_owned(),
            Outcome::NotTried { why } => why.clone(),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        lines.sign(Sign::Failed, format_args!("{count} changes not done: {reason}"));
        if let Some(capability) = capability(&reason) {
            lines.sign(Sign::Note, format_args!("give the token's account {capability}, then run this again"));
        }
    }
}

/// Guilds and members that were left alone, each with its reason.
pub(super) fn tell_left(report: &GuildsReport, detailed: bool, lines: &mut Lines<'_>) {
    let labels: BTreeMap<&GuildUuid, &str> =
        report.plan.guilds.iter().map(|line| (&line.guild, line.label.as_str())).collect();
    let (without, others): (Vec<&GuildSkip>, Vec<&GuildSkip>) =
        report.plan.skips.iter().partition(|skip| skip.reason == LeftAlone::NoAccount);
    if !without.is_empty() {
        let people: BTreeSet<_> = without.iter().map(|skip| (skip.person, &skip.name)).collect();
        lines.sign(Sign::Warning, format_args!("{} members have no Moodle account:", people.len()));
        list(people.into_iter().map(|(_, name)| name.to_string()), detailed, lines);
    }
    let others = others.into_iter().filter(|skip| detailed || skip.reason.needs_attention());
    let others: Vec<String> = others
        .map(|skip| {
            let guild = skip.guild.as_ref().and_then(|guild| labels.get(guild));
            match (guild, skip.person.is_some() || !skip.name.is_empty()) {
                (Some(label), true) if **label != *skip.name => format!("{} in {label}: {}", skip.name, skip.reason),
                _ => format!("{}: {}", skip.name, skip.reason),
            }
        })
        .collect();
    if !others.is_empty() {
        lines.sign(Sign::Note, format_args!("{} left alone:", others.len()));
        list(others.into_iter(), detailed, lines);
    }
}

fn list(items: impl ExactSizeIterator<Item = String>, detailed: bool, lines: &mut Lines<'_>) {
    let all = items.len();
    let shown = if detailed { all } else { all.min(LISTED_MAX) };
    for item in items.take(shown) {
        let item: String = item.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
        lines.line(format_args!("    {item}"));
    }
    if shown < all {
        lines.line(format_args!("    and {} more; -v lists them all", all - shown));
    }
}

/// The plan and the outcome.
pub(super) fn as_json(report: &GuildsReport, flow: &GuildsFlow) -> Value {
    let outcomes = report.applied.iter().flatten().map(|applied| {
        json!({
            "change": applied.place, "outcome": applied.outcome, "cohort": applied.cohort, "user": applied.user,
        })
    });
    json!({
        "dry_run": report.run.is_none(),
        "link": flow.link,
        "community": flow.from,
        "moodle": flow.to,
        "run": report.run,
        "state": report.state,
        "scope": report.scope,
        "gaps": report.community.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "seen": {"guilds": report.seen.guilds, "memberships": report.seen.memberships, "people": report.seen.people},
        "plan": report.plan,
        "digest": report.plan.digest(),
        "findings": report.findings,
        "waiting_plan": report.waiting,
        "approved_by": report.approved_by,
        "outcomes": outcomes.collect::<Vec<_>>(),
        "counts": report.counts,
        "calls": report.calls.iter().map(|call| json!({
            "function": call.function.name(), "calls": call.calls, "items": call.items, "total_ms": call.total_ms,
        })).collect::<Vec<_>>(),
        "community_requests": report.requests,
        "duration_ms": report.duration_ms,
    })
}
