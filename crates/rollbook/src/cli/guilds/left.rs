//! Guilds and members that were left alone: each reason once, with those whom it is about.

use super::lines::{Lines, count};
use crate::cli::output::Sign;
use rollbook_core::model::{CommunityUserId, GuildUuid};
use rollbook_core::plan::{GuildChange, GuildSkip};
use rollbook_core::verdict::SkipReason;
use rollbook_sync::flows::guilds::GuildsReport;
use std::collections::{BTreeMap, BTreeSet};

/// So many are listed for each reason where details were not asked for.
const LISTED_MAX: usize = 20;

/// What guilds are called.
type Labels<'a> = BTreeMap<&'a GuildUuid, &'a str>;

/// Guilds and members that were left alone, by reason. Details are everybody, with what the reason says of each.
pub(super) fn tell_left(report: &GuildsReport, detailed: bool, lines: &mut Lines<'_>) {
    let labels: Labels<'_> = report.plan.guilds.iter().map(|line| (&line.guild, line.label.as_str())).collect();
    // Who is removed for being blocked is told there.
    let removed: BTreeSet<_> = report.plan.changes.iter().filter_map(removed_member).collect();
    let told =
        |skip: &&GuildSkip| skip.reason == SkipReason::Blocked && removed.contains(&(skip.guild.as_ref(), skip.person));
    let skips = report.plan.skips.iter().filter(|skip| !told(skip));
    let (without, others): (Vec<&GuildSkip>, Vec<&GuildSkip>) =
        skips.partition(|skip| skip.reason == SkipReason::NoAccount);
    if !without.is_empty() {
        let people: BTreeSet<_> = without.iter().map(|skip| (skip.person, &skip.name)).collect();
        let members = count(people.len() as u64, "member");
        lines.sign(Sign::Warning, format_args!("no Moodle account: {members}"));
        list(people.into_iter().map(|(_, name)| name.to_string()).collect(), "    ", detailed, lines);
    }
    let mut by_reason = BTreeMap::<String, Vec<&GuildSkip>>::new();
    for skip in others.into_iter().filter(|skip| detailed || skip.reason.needs_attention()) {
        by_reason.entry(skip.reason.in_general()).or_default().push(skip);
    }
    if !by_reason.is_empty() {
        lines.sign(Sign::Note, format_args!("{} skipped:", by_reason.values().map(Vec::len).sum::<usize>()));
    }
    for (reason, skips) in by_reason {
        match skips.as_slice() {
            [only] => list(vec![format!("{}: {}", whom(only, &labels), only.reason)], "    ", detailed, lines),
            several => {
                lines.line(format_args!("    {}, {}", several.len(), printable(&reason)));
                tell_several(several, &reason, &labels, detailed, lines);
            }
        }
    }
}

/// Those whom one reason is about: with details one a line, else guild by guild.
fn tell_several(skips: &[&GuildSkip], reason: &str, labels: &Labels<'_>, detailed: bool, lines: &mut Lines<'_>) {
    if detailed {
        let own = |skip: &GuildSkip| match skip.reason.to_string() {
            text if text == reason => String::new(),
            text => format!(": {text}"),
        };
        let each = skips.iter().map(|skip| format!("{}{}", whom(skip, labels), own(skip)));
        return list(each.collect(), "        ", detailed, lines);
    }
    let mut by_guild = BTreeMap::<&str, Vec<&str>>::new();
    for skip in &skips[..skips.len().min(LISTED_MAX)] {
        let label = skip.guild.as_ref().and_then(|guild| labels.get(guild)).copied().unwrap_or_default();
        by_guild.entry(label).or_default().push(&skip.name);
    }
    for (label, names) in by_guild {
        let names = names.join(", ");
        let of_guild = if label.is_empty() || label == names { names } else { format!("{label}: {names}") };
        lines.line(format_args!("        {}", printable(&of_guild)));
    }
    if skips.len() > LISTED_MAX {
        lines.line(format_args!("        and {} more; -v lists all", skips.len() - LISTED_MAX));
    }
}

/// Somebody in a guild, or the guild.
fn whom(skip: &GuildSkip, labels: &Labels<'_>) -> String {
    let guild = skip.guild.as_ref().and_then(|guild| labels.get(guild));
    match (guild, skip.person.is_some() || !skip.name.is_empty()) {
        (Some(label), true) if **label != *skip.name => format!("{} in {label}", skip.name),
        _ => skip.name.to_string(),
    }
}

/// The guild and the person of a removal.
fn removed_member(change: &GuildChange) -> Option<(Option<&GuildUuid>, Option<CommunityUserId>)> {
    match change {
        GuildChange::RemoveMember(member) => Some((Some(&member.guild), member.person)),
        _ => None,
    }
}

fn list(items: Vec<String>, indent: &str, detailed: bool, lines: &mut Lines<'_>) {
    let shown = if detailed { items.len() } else { items.len().min(LISTED_MAX) };
    for item in &items[..shown] {
        lines.line(format_args!("{indent}{}", printable(item)));
    }
    if shown < items.len() {
        lines.line(format_args!("{indent}and {} more; -v lists all", items.len() - shown));
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}
