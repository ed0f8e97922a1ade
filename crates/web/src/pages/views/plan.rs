//! A plan as people review it: who, not which number; grouped by course or guild; the first rows, and all on request.

use super::event::describe_payload;
use super::moodle::MoodleUrls;
use super::record::person_path;
use crate::layout::{Badge, PageContext, Tone, format_count, label_of, pluralise};
use rollbook_core::guard::{Finding, Level};
use rollbook_core::model::{Field, Fingerprint, LinkName, MoodleCourseId};
use rollbook_core::plan::{EnrolKind, GuildPlan, IntakeChange, NewAccount};
use rollbook_journal::{JournalError, PlanRow, PlanState, WaitingRecord};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// So many changes of a plan are shown.
const CHANGES_MAX: usize = 1_000;
/// So many of a group are shown at first.
const FIRST: usize = 20;

pub struct PlanView {
    pub id: i64,
    pub badge: Badge,
    pub digest: String,
    pub findings: Vec<FindingRow>,
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

/// Changes of a course or of a guild.
#[derive(Default)]
pub struct PlanGroup {
    pub heading: String,
    /// Where it is in Moodle; may be empty.
    pub url: String,
    pub note: String,
    pub people: Vec<PersonChange>,
    /// Changes that are about nobody the feed names.
    pub lines: Vec<String>,
}

/// A change for a person of the feed.
#[derive(Clone, Default)]
pub struct PersonChange {
    pub change: &'static str,
    pub person: String,
    pub person_path: String,
    pub account_url: String,
    pub mail: String,
    pub role: String,
    pub welcome: &'static str,
    pub why: String,
}

/// The first rows of a group, or the rest.
pub struct PlanSection<'a> {
    pub people: &'a [PersonChange],
    pub lines: &'a [String],
    pub is_rest: bool,
}

impl PlanGroup {
    pub fn count(&self) -> usize {
        self.people.len() + self.lines.len()
    }

    pub fn sections(&self) -> Vec<PlanSection<'_>> {
        let (people, more_people) = self.people.split_at(self.people.len().min(FIRST));
        let (lines, more_lines) = self.lines.split_at(self.lines.len().min(FIRST));
        let first = PlanSection { people, lines, is_rest: false };
        let rest = PlanSection { people: more_people, lines: more_lines, is_rest: true };
        let has_rest = !rest.people.is_empty() || !rest.lines.is_empty();
        if has_rest { vec![first, rest] } else { vec![first] }
    }
}

/// The plan, with the people of its records.
pub async fn plan_view(context: &PageContext, row: &PlanRow) -> Result<PlanView, JournalError> {
    let (mut groups, skips) = match serde_json::from_str::<GuildPlan>(&row.body) {
        Ok(plan) => guild_groups(&plan),
        Err(_) => {
            let plan: Value = serde_json::from_str(&row.body).unwrap_or_default();
            (intake_groups(context, &row.link, &plan).await?, intake_skips(&plan))
        }
    };
    let changes: usize = groups.iter().map(PlanGroup::count).sum();
    let mut left = CHANGES_MAX;
    for group in &mut groups {
        group.people.truncate(left);
        left -= group.people.len();
        group.lines.truncate(left);
        left -= group.lines.len();
    }
    groups.retain(|group| group.count() > 0);
    Ok(PlanView {
        id: row.id,
        badge: plan_badge(row.state),
        digest: row.digest.0.chars().take(16).collect(),
        findings: row.findings.iter().map(finding_row).collect(),
        changes: pluralise(changes as u64, "change"),
        skips,
        left_out: changes.saturating_sub(CHANGES_MAX),
        groups,
    })
}

pub fn plan_badge(state: PlanState) -> Badge {
    let tone = match state {
        PlanState::Cleared | PlanState::Used => Tone::Good,
        PlanState::Blocked => Tone::Bad,
        PlanState::Approved => Tone::Busy,
        PlanState::Rejected | PlanState::Superseded | PlanState::Lapsed => Tone::Plain,
    };
    let label = if state == PlanState::Blocked { "waits for approval" } else { state.as_str() };
    Badge::new(tone, label)
}

fn finding_row(finding: &Finding) -> FindingRow {
    let badge = match finding.level {
        Level::Block => Badge::new(Tone::Bad, "blocks"),
        Level::Warn => Badge::new(Tone::Warn, "warns"),
    };
    let Finding { check, subject, message, level: _, holds: _ } = finding;
    FindingRow { badge, check: label_of(check), subject: subject.clone(), message: message.clone() }
}

fn guild_groups(plan: &GuildPlan) -> (Vec<PlanGroup>, Vec<(String, u64)>) {
    let mut groups: BTreeMap<String, PlanGroup> = BTreeMap::new();
    // Removals first: they are what an approver is asked about.
    for removes in [true, false] {
        for change in plan.changes.iter().filter(|change| change.removes() == removes) {
            let line = plan.guilds.iter().find(|line| Some(&line.guild) == change.guild());
            let heading = line.map_or_else(|| "Accounts".to_owned(), |line| line.label.clone());
            let note = line
                .map(|line| format!("{}, {} in sync", pluralise(line.members, "member"), format_count(line.unchanged)));
            let group = groups.entry(heading.clone()).or_insert_with(|| PlanGroup {
                heading,
                note: note.unwrap_or_default(),
                ..PlanGroup::default()
            });
            group.lines.push(change.to_string());
        }
    }
    for group in groups.values_mut() {
        let removes = plan.changes.iter().filter(|change| change.removes());
        let of_group = |guild| plan.guilds.iter().any(|line| Some(&line.guild) == guild && line.label == group.heading);
        let removed = removes.filter(|change| of_group(change.guild())).count();
        let added = group.lines.len() - removed;
        let counts = format!("Removes ({removed}), adds or changes ({added})");
        group.note = if group.note.is_empty() { counts } else { format!("{counts}; {}", group.note) };
    }
    let mut skips: BTreeMap<String, u64> = BTreeMap::new();
    for skip in &plan.skips {
        *skips.entry(skip.reason.to_string()).or_default() += 1;
    }
    (groups.into_values().collect(), skips.into_iter().collect())
}

fn intake_skips(plan: &Value) -> Vec<(String, u64)> {
    let mut skips: BTreeMap<String, u64> = BTreeMap::new();
    for skip in plan["skips"].as_array().into_iter().flatten() {
        let code = skip["verdict"]["verdict"].as_str().or(skip["code"].as_str()).unwrap_or("others");
        *skips.entry(label_of(code)).or_default() += 1;
    }
    skips.into_iter().collect()
}

/// By course, in the order of the plan; new accounts first, what is not understood last.
async fn intake_groups(context: &PageContext, link: &LinkName, plan: &Value) -> Result<Vec<PlanGroup>, JournalError> {
    let changes = plan["changes"].as_array().map_or(&[][..], Vec::as_slice);
    let parsed: Vec<Result<IntakeChange, &Value>> =
        changes.iter().map(|change| serde_json::from_value(change.clone()).map_err(|_| change)).collect();
    let wanted: Vec<Fingerprint> = parsed.iter().flatten().filter_map(IntakeChange::record).take(CHANGES_MAX).collect();
    let zone = context.times(Some(link)).zone;
    let records = context.state.journal.records().find(link, &wanted, &zone).await?;
    let records: HashMap<Fingerprint, WaitingRecord> =
        records.into_iter().map(|record| (record.record.fingerprint, record)).collect();
    let courses = context.state.journal.records().course_totals(Some(link)).await?;
    let titles: HashMap<i64, String> = courses.into_iter().map(|course| (course.course_id.0, course.name)).collect();
    let moodle = MoodleUrls::of(&context.state.settings, link);
    let mut accounts = PlanGroup { heading: "New accounts".to_owned(), ..PlanGroup::default() };
    let mut others = PlanGroup { heading: "Other changes".to_owned(), ..PlanGroup::default() };
    let mut of_courses: Vec<(MoodleCourseId, PlanGroup)> = Vec::new();
    for change in parsed {
        let (course, row) = match change {
            Err(unknown) => {
                others.lines.push(describe_payload(unknown));
                continue;
            }
            Ok(IntakeChange::CreateAccount(account)) => {
                accounts.people.push(new_account(link, &account));
                continue;
            }
            Ok(IntakeChange::Enrol(change)) => {
                let row = PersonChange {
                    change: match change.kind {
                        EnrolKind::Enrol => "enrol",
                        EnrolKind::Reactivate => "reactivate",
                    },
                    role: format!("role {}", change.role),
                    welcome: if change.welcome { "yes" } else { "no" },
                    ..person_of(link, records.get(&change.record), || change.who.to_string())
                };
                (change.course, row)
            }
            Ok(IntakeChange::Suspend(change)) => {
                let row = PersonChange {
                    change: "suspend",
                    account_url: moodle.account(change.user),
                    welcome: "no",
                    ..person_of(link, records.get(&change.record), || format!("account {}", change.user))
                };
                (change.course, row)
            }
        };
        match of_courses.iter_mut().find(|(known, _)| *known == course) {
            Some((_, group)) => group.people.push(row),
            None => {
                let heading = titles.get(&course.0).filter(|title| !title.is_empty()).cloned();
                let group = PlanGroup {
                    heading: heading.unwrap_or_else(|| format!("Course {course}")),
                    url: moodle.participants(course),
                    people: vec![row],
                    ..PlanGroup::default()
                };
                of_courses.push((course, group));
            }
        }
    }
    for (_, group) in &mut of_courses {
        let suspends = group.people.iter().filter(|row| row.change == "suspend").count();
        group.note = format!("{suspends} to suspend, {} to enrol", group.people.len() - suspends);
    }
    Ok([accounts].into_iter().chain(of_courses.into_iter().map(|(_, group)| group)).chain([others]).collect())
}

fn new_account(link: &LinkName, account: &NewAccount) -> PersonChange {
    PersonChange {
        change: "create",
        person: format!("{} {}", account.first_name, account.last_name).trim().to_owned(),
        person_path: person_path(link, account.guid.as_str(), ""),
        mail: account.mail.to_string(),
        why: format!("no account has the GUID {}; user name {}", account.guid, account.username),
        ..PersonChange::default()
    }
}

/// The person of a record; without one by what the plan has.
fn person_of(link: &LinkName, record: Option<&WaitingRecord>, otherwise: impl Fn() -> String) -> PersonChange {
    let Some(WaitingRecord { record, .. }) = record else {
        return PersonChange { person: otherwise(), ..PersonChange::default() };
    };
    let name = format!("{} {}", record.get(Field::FirstName), record.get(Field::LastName));
    let guid = record.get(Field::Guid);
    let enrolment = record.get(Field::EnrolmentId);
    let enrolment = if enrolment.is_empty() { String::new() } else { format!(", enrolment {enrolment}") };
    PersonChange {
        person: if name.trim().is_empty() { guid.to_owned() } else { name.trim().to_owned() },
        person_path: person_path(link, guid, record.get(Field::Course)),
        mail: record.get(Field::Mail).to_owned(),
        why: format!("{} of {}{enrolment}", record.get(Field::State), record.get(Field::DateCreated)),
        ..PersonChange::default()
    }
}
