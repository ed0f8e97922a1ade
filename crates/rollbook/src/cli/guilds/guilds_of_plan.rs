//! Each guild of a plan with its cohort, and each of its members with what becomes of them.

use super::lines::{Lines, count};
use super::sync::Told;
use crate::cli::output::Sign;
use rollbook_core::model::{CohortId, GuildUuid};
use rollbook_core::plan::{GuildChange, GuildLine, Retire};
use rollbook_core::run::Outcome;
use rollbook_core::verdict::SkipReason;
use rollbook_sync::flows::guilds::GuildsReport;
use std::collections::BTreeMap;

/// Changes of one guild, each with its place in the plan.
type Changes<'a> = Vec<(usize, &'a GuildChange)>;

/// Lists guilds and members. Members who are where they should be are listed when asked for details.
pub(super) fn tell_guilds(report: &GuildsReport, told: &Told<'_>, lines: &mut Lines<'_>) {
    let mut by_guild = BTreeMap::<&GuildUuid, Changes<'_>>::new();
    for (place, change) in report.plan.changes.iter().enumerate() {
        match change.guild() {
            Some(guild) => by_guild.entry(guild).or_default().push((place, change)),
            None => tell_change(report, place, change, None, lines),
        }
    }
    let mut guilds: Vec<&GuildLine> = report.plan.guilds.iter().collect();
    guilds.sort_by_key(|line| line.number);
    for line in guilds {
        let changes = by_guild.remove(&line.guild).unwrap_or_default();
        let cohort = line.cohort.or_else(|| made_cohort(report, &changes));
        let GuildLine { label, machine_name, members, cohort_name, .. } = line;
        let alone =
            report.plan.skips.iter().find(|skip| skip.person.is_none() && skip.guild.as_ref() == Some(&line.guild));
        let alone = alone.filter(|skip| !matches!(skip.reason, SkipReason::NotOurs { .. }));
        let alone = alone.map(|skip| format!("; skipped: {}", skip.reason)).unwrap_or_default();
        let id = cohort.map_or_else(|| "no cohort yet".to_owned(), |id| format!("cohort {id}"));
        let members = count(*members, "member");
        lines.line(format_args!("  {label} ({machine_name}): {members}; {id} \"{cohort_name}\"{alone}"));
        let shown = changes.len().min(told.members_max);
        for (place, change) in &changes[..shown] {
            tell_change(report, *place, change, cohort, lines);
        }
        if shown < changes.len() {
            lines.line(format_args!("    and {} more", changes.len() - shown));
        }
        if told.detailed {
            for member in &line.in_sync {
                let name = report.community.value.name_of(member.person);
                let cohort = cohort.map(|id| id.to_string()).unwrap_or_default();
                lines.user(&name, Sign::Step, format_args!("Already in cohort {cohort}"));
            }
        }
    }
    for (place, change) in by_guild.into_values().flatten() {
        tell_change(report, place, change, None, lines);
    }
}

/// The cohort that the plan made for a guild.
fn made_cohort(report: &GuildsReport, changes: &Changes<'_>) -> Option<CohortId> {
    let made = changes.iter().find(|(_, change)| matches!(change, GuildChange::CreateCohort { .. }))?;
    report.applied.get(made.0)?.as_ref()?.cohort
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of change, and each says one line")]
fn tell_change(
    report: &GuildsReport,
    place: usize,
    change: &GuildChange,
    made: Option<CohortId>,
    lines: &mut Lines<'_>,
) {
    let outcome = report.applied.get(place).and_then(Option::as_ref).map(|applied| &applied.outcome);
    let id = |cohort: Option<CohortId>| {
        cohort.or(made).map_or_else(|| "the new cohort".to_owned(), |id| format!("cohort {id}"))
    };
    let (name, done, undone, why) = match change {
        GuildChange::AddMember(member) => {
            let cohort = id(member.cohort);
            (&*member.name, format!("Added to {cohort}"), format!("be added to {cohort}"), member.why.to_string())
        }
        GuildChange::RemoveMember(member) => {
            let cohort = id(member.cohort);
            (
                &*member.name,
                format!("Removed from {cohort}"),
                format!("be removed from {cohort}"),
                member.why.to_string(),
            )
        }
        GuildChange::AssignRole(role) => {
            let what = format!("role {} in {}", role.role, role.context);
            (&*role.name, format!("Given {what}"), format!("be given {what}"), role.why.to_string())
        }
        GuildChange::UnassignRole(role) => {
            let what = format!("role {} in {}", role.role, role.context);
            (&*role.name, format!("Removed {what}"), format!("lose {what}"), role.why.to_string())
        }
        GuildChange::CreateCohort { form, why, .. } => {
            let what = format!("cohort {} \"{}\"", form.idnumber, form.name);
            ("cohort", format!("Created {what}"), format!("be created: {what}"), why.to_string())
        }
        GuildChange::UpdateCohort { cohort, form, why, .. } => {
            let what = format!("cohort {cohort}: {} \"{}\"", form.idnumber, form.name);
            ("cohort", format!("Changed {what}"), format!("be changed: {what}"), why.to_string())
        }
        GuildChange::AdoptCohort { cohort, why, .. } => {
            ("cohort", format!("Took over cohort {cohort}"), format!("be taken over: cohort {cohort}"), why.to_string())
        }
        GuildChange::RetireCohort { cohort, retire, why, .. } => {
            let verb = match retire {
                Retire::Hide(_) => "archived",
                Retire::Delete => "deleted",
                Retire::Keep => "kept as it is",
                Retire::Gone => "forgotten",
            };
            ("cohort", format!("Cohort {cohort} {verb}"), format!("be {verb}: cohort {cohort}"), why.to_string())
        }
        GuildChange::CreateAccount(new) => {
            let name = new.username.as_str();
            (name, "Account made".to_owned(), "get an account".to_owned(), "Member without account".to_owned())
        }
        // Only the journal notes these.
        GuildChange::NoteMember(_)
        | GuildChange::ForgetMember(_)
        | GuildChange::ClaimRole(_)
        | GuildChange::ReleaseRole(_) => return,
    };
    match outcome {
        None if lines.is_dry() => lines.user(name, Sign::Step, format_args!("Would {undone} ({why})")),
        None => lines.user(name, Sign::Warning, format_args!("Would {undone}, but was not ({why})")),
        Some(Outcome::Done) => lines.user(name, Sign::Step, format_args!("{done} ({why})")),
        Some(Outcome::AlreadySo) => {
            let cohort = made.map(|id| id.to_string()).unwrap_or_default();
            lines.user(name, Sign::Step, format_args!("Already in cohort {cohort}"));
        }
        Some(Outcome::Refused { code }) => {
            lines.user(name, Sign::Failed, format_args!("Should {undone}; Moodle refused ({code})"));
        }
        Some(Outcome::Unknown) => {
            lines.user(name, Sign::Warning, format_args!("Should {undone}; no answer received, the next run checks"));
        }
        Some(Outcome::NotTried { why }) => {
            lines.user(name, Sign::Warning, format_args!("Should {undone}; not tried: {why}"));
        }
    }
}
