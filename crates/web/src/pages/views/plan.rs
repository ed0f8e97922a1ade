//! A plan as people review it.

use super::event::describe_payload;
use crate::layout::{Badge, Tone, format_count, label_of, pluralise};
use rollbook_core::guard::{Finding, Level};
use rollbook_core::plan::{GuildPlan, IntakeChange};
use rollbook_journal::{PlanRow, PlanState};
use serde_json::Value;
use std::collections::BTreeMap;

/// So many lines of a plan are shown.
const LINES_MAX: usize = 1_000;

/// A plan for people.
pub struct PlanView {
    pub id: i64,
    pub badge: Badge,
    pub digest: String,
    pub findings: Vec<FindingRow>,
    /// Lines under a heading each: a guild, or what kind of change.
    pub groups: Vec<PlanGroup>,
    pub changes: String,
    pub skips: Vec<(String, u64)>,
    pub left_out: usize,
}

pub struct FindingRow {
    pub badge: Badge,
    pub check: String,
    pub subject: String,
    pub message: String,
}

pub struct PlanGroup {
    pub heading: String,
    pub note: String,
    pub additions: Vec<String>,
    pub removals: Vec<String>,
}

/// A plan for people: of guilds by guild, else by kind of change.
pub fn plan_view(row: &PlanRow) -> PlanView {
    let (groups, skips) = match serde_json::from_str::<GuildPlan>(&row.body) {
        Ok(plan) => of_guilds(&plan),
        Err(_) => of_changes(&serde_json::from_str(&row.body).unwrap_or_default()),
    };
    let changes: usize = groups.iter().map(|group| group.additions.len() + group.removals.len()).sum();
    let mut view = PlanView {
        id: row.id,
        badge: plan_badge(row.state),
        digest: row.digest.0.chars().take(16).collect(),
        findings: row.findings.iter().map(finding_row).collect(),
        changes: pluralise(changes as u64, "change"),
        skips,
        left_out: 0,
        groups,
    };
    let mut left = LINES_MAX;
    for group in &mut view.groups {
        for lines in [&mut group.additions, &mut group.removals] {
            view.left_out += lines.len().saturating_sub(left);
            lines.truncate(left);
            left -= lines.len();
        }
    }
    view
}

pub fn plan_badge(state: PlanState) -> Badge {
    let tone = match state {
        PlanState::Cleared | PlanState::Used => Tone::Good,
        PlanState::Blocked => Tone::Bad,
        PlanState::Approved => Tone::Busy,
        PlanState::Rejected | PlanState::Superseded => Tone::Plain,
    };
    let label = if state == PlanState::Blocked { "waits for approval" } else { state.as_str() };
    Badge::new(tone, label)
}

fn finding_row(finding: &Finding) -> FindingRow {
    let badge = match finding.level {
        Level::Block => Badge::new(Tone::Bad, "blocks"),
        Level::Warn => Badge::new(Tone::Warn, "warns"),
    };
    let Finding { check, subject, message, level: _ } = finding;
    FindingRow { badge, check: label_of(check), subject: subject.clone(), message: message.clone() }
}

fn of_guilds(plan: &GuildPlan) -> (Vec<PlanGroup>, Vec<(String, u64)>) {
    let mut groups: BTreeMap<String, PlanGroup> = BTreeMap::new();
    let line_of = |guild| plan.guilds.iter().find(|line| Some(&line.guild) == guild);
    for change in &plan.changes {
        let line = line_of(change.guild());
        let heading = line.map_or_else(|| "Accounts".to_owned(), |line| line.label.clone());
        let note =
            line.map(|line| format!("{}, {} in step", pluralise(line.members, "member"), format_count(line.unchanged)));
        let group = groups.entry(heading.clone()).or_insert_with(|| PlanGroup {
            heading,
            note: note.unwrap_or_default(),
            additions: Vec::new(),
            removals: Vec::new(),
        });
        let lines = if change.removes() { &mut group.removals } else { &mut group.additions };
        lines.push(change.to_string());
    }
    let mut skips: BTreeMap<String, u64> = BTreeMap::new();
    for skip in &plan.skips {
        *skips.entry(skip.reason.to_string()).or_default() += 1;
    }
    (groups.into_values().collect(), skips.into_iter().collect())
}

fn of_changes(plan: &Value) -> (Vec<PlanGroup>, Vec<(String, u64)>) {
    let group = |heading: &str| PlanGroup {
        heading: heading.to_owned(),
        note: String::new(),
        additions: Vec::new(),
        removals: Vec::new(),
    };
    let mut groups = [group("Accounts"), group("Enrolments"), group("Suspensions"), group("Others")];
    for change in plan["changes"].as_array().into_iter().flatten() {
        match serde_json::from_value::<IntakeChange>(change.clone()) {
            Ok(known @ IntakeChange::CreateAccount(_)) => groups[0].additions.push(known.to_string()),
            Ok(known @ IntakeChange::Enrol(_)) => groups[1].additions.push(known.to_string()),
            Ok(known @ IntakeChange::Suspend(_)) => groups[2].removals.push(known.to_string()),
            Err(_) => groups[3].additions.push(describe_payload(change)),
        }
    }
    let mut skips: BTreeMap<String, u64> = BTreeMap::new();
    for skip in plan["skips"].as_array().into_iter().flatten() {
        let code = skip["verdict"]["verdict"].as_str().or(skip["code"].as_str()).unwrap_or("others");
        *skips.entry(label_of(code)).or_default() += 1;
    }
    let groups = groups.into_iter().filter(|group| !group.additions.is_empty() || !group.removals.is_empty());
    (groups.collect(), skips.into_iter().collect())
}
