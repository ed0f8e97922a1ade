//! What a synchronisation comes to: the guards' word, the numbers, and all of it as JSON.

use super::help::capability;
use super::lines::{Lines, count};
use crate::cli::output::{Sign, Table};
use rollbook_core::guard::Level;
use rollbook_core::plan::GuildChange;
use rollbook_core::run::{Outcome, RunState};
use rollbook_sync::flows::guilds::{GuildsFlow, GuildsReport};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Checks that mean that the community shows too little.
const SIGHT: [&str; 3] = ["identity", "sentinel", "empty_source"];
/// What gives the sight back.
const SIGHT_HELP: &str = "the community's account needs \"view group\" and \"view group_membership relationship\" in the \
    scopes outsider and insider, and \"access user profiles\"";

/// What the guards found, and where a refused plan waits.
pub(super) fn tell_findings(report: &GuildsReport, lines: &mut Lines<'_>) {
    for finding in &report.findings {
        let stops = finding.level == Level::Block && report.approved_by.is_none();
        let sign = if stops { Sign::Failed } else { Sign::Warning };
        lines.sign(sign, format_args!("guard {} ({}): {}", finding.check, finding.subject, finding.message));
    }
    if report.state != RunState::GuardRefused {
        if let Some(by) = &report.approved_by {
            lines.sign(Sign::Note, format_args!("approved by {by}; the approval has been used"));
        }
        return;
    }
    let (held, all) = (report.held.len(), report.plan.changes.len());
    match report.waiting {
        Some(id) => {
            if held == all {
                lines.sign(Sign::Failed, "the plan needs approval: nothing was changed in Moodle");
            } else {
                let text = format_args!("{held} of {all} changes need approval; the others went on");
                lines.sign(Sign::Failed, text);
            }
            lines.sign(Sign::Note, format_args!("review it: rollbook plans show {id}"));
            lines.sign(Sign::Note, format_args!("to let it run once: rollbook plans approve {id}"));
        }
        None if lines.is_dry() && held < all => {
            lines.sign(Sign::Failed, format_args!("{held} of {all} changes would need approval"));
        }
        None if lines.is_dry() => lines.sign(Sign::Failed, "a guard would refuse this plan"),
        None => lines.sign(Sign::Failed, "a guard refused: nothing was changed in Moodle"),
    }
    if report.findings.iter().any(|finding| SIGHT.contains(&finding.check.as_str())) {
        lines.sign(Sign::Note, SIGHT_HELP);
    }
}

/// The numbers.
pub(super) fn tell_summary(report: &GuildsReport, lines: &mut Lines<'_>) {
    let counts = &report.counts;
    if lines.is_dry() {
        let of = |wanted: fn(&GuildChange) -> bool| {
            report.plan.changes.iter().filter(|change| wanted(change)).count() as u64
        };
        let added = of(|change| matches!(change, GuildChange::AddMember(_)));
        let removed = of(|change| matches!(change, GuildChange::RemoveMember(_)));
        let (unchanged, cohorts) = (counts.unchanged, count(of(is_cohort), "cohort"));
        lines.sign(
            Sign::Done,
            format_args!("would add {added}, remove {removed}, leave {unchanged} unchanged; {cohorts} affected"),
        );
        return;
    }
    if report.state == RunState::GuardRefused && report.held.len() == report.plan.changes.len() {
        return;
    }
    let total = counts.added + counts.unchanged;
    let mut table = Table::new(["cohorts", "added", "removed", "unchanged", "total"]).numbers(&[0, 1, 2, 3, 4]);
    table.row([counts.cohorts, counts.added, counts.removed, counts.unchanged, total]);
    lines.out.table(&table);
    if counts.roles_assigned + counts.roles_unassigned + counts.accounts > 0 {
        let (given, taken, made) = (counts.roles_assigned, counts.roles_unassigned, counts.accounts);
        lines.sign(Sign::Note, format_args!("roles: {given} assigned, {taken} unassigned; accounts created: {made}"));
    }
    if report.credited > 0 {
        let credited = count(report.credited, "change");
        lines.sign(Sign::Note, format_args!("{credited} of an earlier run had been applied"));
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
    let mut reasons = BTreeMap::<(String, Option<&str>), u64>::new();
    for applied in report.applied.iter().flatten() {
        let function = report.plan.changes.get(applied.place).and_then(function_of);
        let reason = match &applied.outcome {
            Outcome::Done | Outcome::AlreadySo => continue,
            Outcome::Refused { code } => (format!("Moodle refused them ({code})"), function),
            Outcome::Unknown => ("no answer received; the next run checks the result".to_owned(), None),
            Outcome::NotTried { why } => (why.clone(), function.filter(|function| why.contains(*function))),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    for ((reason, function), number) in reasons {
        lines.sign(Sign::Failed, format_args!("{} not done: {reason}", count(number, "change")));
        let no_right = RIGHTS.iter().any(|code| reason.contains(code));
        if let Some(capability) = function.filter(|_| no_right).and_then(capability) {
            lines.sign(Sign::Note, format_args!("give the token's account {capability}, then run this again"));
        }
    }
}

/// Moodle's codes for a right that is missing.
const RIGHTS: [&str; 3] = ["nopermissions", "accessexception", "wsusercannotassign"];

/// The function that carries a change out; none for what only the journal notes.
fn function_of(change: &GuildChange) -> Option<&'static str> {
    match change {
        GuildChange::CreateAccount(_) => Some("core_user_create_users"),
        GuildChange::CreateCohort { .. } => Some("core_cohort_create_cohorts"),
        GuildChange::UpdateCohort { .. } | GuildChange::RetireCohort { .. } => Some("core_cohort_update_cohorts"),
        GuildChange::AddMember(_) => Some("core_cohort_add_cohort_members"),
        GuildChange::RemoveMember(_) => Some("core_cohort_delete_cohort_members"),
        GuildChange::AssignRole(_) => Some("core_role_assign_roles"),
        GuildChange::UnassignRole(_) => Some("core_role_unassign_roles"),
        GuildChange::AdoptCohort { .. }
        | GuildChange::NoteMember(_)
        | GuildChange::ClaimRole(_)
        | GuildChange::ReleaseRole(_)
        | GuildChange::ForgetMember(_) => None,
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
