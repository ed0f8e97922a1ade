//! One run: its plan, what the guards found, its events, and the calls that it made.

use crate::layout::{
    Answer, Badge, Caller, Here, More, Shell, TimeFormatter, Tone, When, counted, flow_label, grouped, kind_label,
    run_badge, run_reason, show, word_label,
};
use crate::pages::story::{brief, plain};
use askama::Template;
use axum::extract::{Path, Query};
use rollbook_core::guard::{Finding, Level};
use rollbook_core::plan::{GuildPlan, IntakeChange};
use rollbook_core::run::{EventKind, RunState};
use rollbook_journal::{JournalError, PlanRow, PlanState, RunRow, StoredEvent};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// So many events a page.
const EVENTS: u32 = 200;
/// So many lines of a plan are shown.
const LINES_MAX: usize = 1_000;

#[derive(Template)]
#[template(path = "pages/run.html")]
struct RunPage {
    shell: Shell,
    run: RunHead,
    is_running: bool,
    numbers: Vec<(&'static str, String)>,
    plan: Option<PlanView>,
    events: Vec<EventLine>,
    next: Option<More>,
    log: String,
}

struct RunHead {
    id: String,
    link: String,
    what: String,
    badge: Badge,
    reason: String,
    author: String,
    began: When,
    ended: Option<When>,
    took: String,
    covered: Option<(When, When)>,
    url: String,
}

struct EventLine {
    at: When,
    kind: String,
    tone: &'static str,
    author: String,
    about: String,
    told: String,
}

/// A plan for people.
pub(in crate::pages) struct PlanView {
    pub id: i64,
    pub badge: Badge,
    pub digest: String,
    pub findings: Vec<FindingLine>,
    /// Lines under a heading each: a guild, or what kind of change.
    pub groups: Vec<PlanGroup>,
    pub changes: String,
    pub skips: Vec<(String, u64)>,
    pub left_out: usize,
}

pub(in crate::pages) struct FindingLine {
    pub badge: Badge,
    pub check: String,
    pub subject: String,
    pub message: String,
}

pub(in crate::pages) struct PlanGroup {
    pub heading: String,
    pub note: String,
    pub additions: Vec<String>,
    pub removals: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    after: i64,
}

pub(in crate::pages) async fn show_run(caller: Caller, Path(id): Path<String>, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &caller.state.journal;
    let run = journal.runs().find(&id).await?;
    let clockwork = caller.clockwork(Some(&run.link));
    let plan = plan_of(&caller, &run).await?;
    let mut events = journal.runs().events(&run.id, wanted.after.max(0), EVENTS + 1).await?;
    let more = events.len() > EVENTS as usize;
    events.truncate(EVENTS as usize);
    let next = events.last().filter(|_| more).map(|last| More { path: format!("/runs/{}?after={}", run.id, last.id) });
    let is_running = run.state == RunState::Running;
    let here = if run.flow == "guilds" { Here::Guilds } else { Here::Runs };
    let shell = caller.shell(format!("Run of {}", run.link), here).await?;
    let page = RunPage {
        shell: Shell { live: if is_running { 2 } else { 0 }, ..shell },
        numbers: numbers(&run, &events),
        plan,
        events: events.iter().map(|event| event_line(event, &clockwork)).collect(),
        next,
        log: format!("/log?link={}&since={}", run.link, clockwork.field(run.started)),
        run: head(&run, &clockwork),
        is_running,
    };
    show(&page)
}

async fn plan_of(caller: &Caller, run: &RunRow) -> Result<Option<PlanView>, JournalError> {
    Ok(caller.state.journal.plans().of_run(&run.id).await?.map(|plan| plan_view(&plan)))
}

fn head(run: &RunRow, clockwork: &TimeFormatter) -> RunHead {
    let kind = kind_label(run.kind);
    RunHead {
        id: run.id.to_string(),
        link: run.link.to_string(),
        what: if kind.is_empty() { flow_label(&run.flow) } else { format!("{}, {kind}", flow_label(&run.flow)) },
        badge: run_badge(run),
        reason: run_reason(run),
        author: run.author.clone(),
        began: clockwork.exactly(run.started),
        ended: run.ended.map(|ended| clockwork.exactly(ended)),
        took: super::took(run),
        covered: run.covered.map(|(from, to)| (clockwork.exactly(from), clockwork.exactly(to))),
        url: run.url.clone(),
    }
}

/// What intake counts; of the other flows what their last event says.
fn numbers(run: &RunRow, events: &[StoredEvent]) -> Vec<(&'static str, String)> {
    let counts = &run.counts;
    if run.flow == "intake" {
        let all = [
            ("Records", counts.records),
            ("Accounts made", counts.accounts),
            ("Enrolled", counts.enrolled),
            ("Suspended", counts.suspended),
            ("Skipped", counts.skipped),
            ("Waiting", counts.waiting),
            ("Errors", counts.errors),
            ("Calls", counts.calls),
        ];
        return all.map(|(label, count)| (label, grouped(count))).to_vec();
    }
    let mut total: BTreeMap<&'static str, u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == EventKind::Applied) {
        let label = match event.payload["outcome"]["outcome"].as_str() {
            Some("done" | "already_so") => "Done",
            Some("refused") => "Refused",
            Some(_) | None => "Open",
        };
        *total.entry(label).or_default() += 1;
    }
    total.insert("Calls", counts.calls);
    total.into_iter().map(|(label, count)| (label, grouped(count))).collect()
}

fn event_line(event: &StoredEvent, clockwork: &TimeFormatter) -> EventLine {
    let record = event.record.map(|record| record.to_hex()[..12].to_owned());
    EventLine {
        at: clockwork.exactly(event.at),
        kind: word_label(event.kind.as_str()),
        tone: match event.kind {
            EventKind::Alert => "bad-text",
            EventKind::Finding if event.payload["level"] == "block" => "bad-text",
            _ => "",
        },
        author: event.author.clone(),
        about: record.or_else(|| event.guid_fold.clone()).unwrap_or_default(),
        told: brief(&event.payload),
    }
}

/// A plan for people: of guilds by guild, else by kind of change.
pub(in crate::pages) fn plan_view(row: &PlanRow) -> PlanView {
    let (groups, skips) = match serde_json::from_str::<GuildPlan>(&row.body) {
        Ok(plan) => of_guilds(&plan),
        Err(_) => of_changes(&serde_json::from_str(&row.body).unwrap_or_default()),
    };
    let changes: usize = groups.iter().map(|group| group.additions.len() + group.removals.len()).sum();
    let mut view = PlanView {
        id: row.id,
        badge: plan_badge(row.state),
        digest: row.digest.0.chars().take(16).collect(),
        findings: row.findings.iter().map(finding_line).collect(),
        changes: counted(changes as u64, "change"),
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

pub(in crate::pages) fn plan_badge(state: PlanState) -> Badge {
    let tone = match state {
        PlanState::Cleared | PlanState::Used => Tone::Good,
        PlanState::Blocked => Tone::Bad,
        PlanState::Approved => Tone::Busy,
        PlanState::Rejected | PlanState::Superseded | PlanState::Lapsed => Tone::Plain,
    };
    let label = if state == PlanState::Blocked { "waits for approval" } else { state.as_str() };
    Badge::new(tone, label)
}

fn finding_line(finding: &Finding) -> FindingLine {
    let badge = match finding.level {
        Level::Block => Badge::new(Tone::Bad, "blocks"),
        Level::Warn => Badge::new(Tone::Warn, "warns"),
    };
    let Finding { check, subject, message, level: _, holds: _ } = finding;
    FindingLine { badge, check: word_label(check), subject: subject.clone(), message: message.clone() }
}

fn of_guilds(plan: &GuildPlan) -> (Vec<PlanGroup>, Vec<(String, u64)>) {
    let mut groups: BTreeMap<String, PlanGroup> = BTreeMap::new();
    let line_of = |guild| plan.guilds.iter().find(|line| Some(&line.guild) == guild);
    for change in &plan.changes {
        let line = line_of(change.guild());
        let heading = line.map_or_else(|| "Accounts".to_owned(), |line| line.label.clone());
        let note = line.map(|line| format!("{}, {} in step", counted(line.members, "member"), grouped(line.unchanged)));
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
            Err(_) => groups[3].additions.push(plain(change)),
        }
    }
    let mut skips: BTreeMap<String, u64> = BTreeMap::new();
    for skip in plan["skips"].as_array().into_iter().flatten() {
        let code = skip["verdict"]["verdict"].as_str().or(skip["code"].as_str()).unwrap_or("others");
        *skips.entry(word_label(code)).or_default() += 1;
    }
    let groups = groups.into_iter().filter(|group| !group.additions.is_empty() || !group.removals.is_empty());
    (groups.collect(), skips.into_iter().collect())
}
