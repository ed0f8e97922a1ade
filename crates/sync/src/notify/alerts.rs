//! What is wrong with a link now, as the journal knows it.

use super::silence::find_silence;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rollbook_core::guard::Level;
use rollbook_core::model::{LinkName, counted_as};
use rollbook_core::notice::{Alert, AlertKind};
use rollbook_core::run::{OVERDUE, OutcomeCode, RunKind, RunState};
use rollbook_journal::{
    AttentionFilter, AttentionItem, AwaitedCourse, Journal, JournalError, PlanState, RunFilter, RunRow,
};
use rollbook_settings::Settings;
use rollbook_settings::link::Link;
use std::collections::BTreeSet;

/// So many of each are looked at, or read at once.
const LOOKED_AT: u32 = 500;
/// So many pages of what waits for a human are read: 100 000 items are as many as anybody will ever be told of.
const PAGES_MAX: usize = 200;
/// So many courses that records wait for are told of.
const AWAITED_MAX: u32 = 10_000;
/// So many runs that were cut off in a row are told of.
const CUT_OFF_MIN: usize = 2;

/// What is wrong with a link, and of which kinds all was seen.
pub(super) struct Found {
    pub troubles: Vec<Alert>,
    pub looked: BTreeSet<AlertKind>,
}

/// Everything that is wrong with a link. `told` is when its feed's silence was told last, where that has not ended.
///
/// # Errors
/// Those of the database only.
pub(super) async fn find_alerts(
    settings: &Settings,
    journal: &Journal,
    link: &Link,
    told: Option<Timestamp>,
    now: Timestamp,
) -> Result<Found, JournalError> {
    let name = link.name();
    let (items, all) = open_items(journal, name).await?;
    let mut troubles: Vec<Alert> = items.iter().map(of_item).collect();
    let mut looked: BTreeSet<AlertKind> = AlertKind::ALL.into();
    if !all {
        // The list has more: what was not read of it has not ended.
        looked = [AlertKind::RunFailed, AlertKind::GuardRefused, AlertKind::FeedSilent].into();
    }
    let runs = RunFilter { link: Some(name.clone()), limit: LOOKED_AT, ..RunFilter::default() };
    let runs = journal.runs().list(&runs).await?;
    troubles.extend(failed_run(&runs));
    troubles.extend(refused_plan(journal, name).await?);
    if let Link::Intake(_) = link {
        troubles.extend(missing_courses(journal, name, &items).await?);
        troubles.extend(find_silence(settings, journal, link, &runs, told, now).await?);
    }
    Ok(Found { troubles, looked })
}

/// What waits for a human on a link, and whether that is all of it.
async fn open_items(journal: &Journal, link: &LinkName) -> Result<(Vec<AttentionItem>, bool), JournalError> {
    let mut filter = AttentionFilter { link: Some(link.clone()), ..AttentionFilter::default() };
    let mut items: Vec<AttentionItem> = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = journal.attention().list(&filter, LOOKED_AT).await?;
        let is_last = page.len() < LOOKED_AT as usize;
        filter.before = page.last().map(|item| item.id);
        items.extend(page);
        if is_last {
            return Ok((items, true));
        }
    }
    Ok((items, false))
}

fn of_item(item: &AttentionItem) -> Alert {
    let (kind, remedy) = AlertKind::of_attention(&item.kind);
    let waiting = match item.records {
        0 => String::new(),
        records => format!(" ({})", counted_as(records, "record waits", "records wait")),
    };
    Alert {
        kind,
        subject: format!("{}:{}", item.kind, item.subject),
        title: format!("{}{waiting}", item.named()),
        remedy: remedy.to_owned(),
        path: format!("/attention/{}", item.id),
        since: item.opened,
        cause_since: None,
    }
}

/// Courses that records wait for by themselves; those that a human is asked about already are told by their items.
async fn missing_courses(
    journal: &Journal,
    link: &LinkName,
    items: &[AttentionItem],
) -> Result<Vec<Alert>, JournalError> {
    let asked: BTreeSet<(&str, &str)> = items.iter().map(|item| (item.kind.as_str(), item.subject.as_str())).collect();
    let is_asked = |awaited: &AwaitedCourse| asked.contains(&(awaited.code.as_str(), awaited.course.as_str()));
    let awaited = journal.records().awaited_courses(link, AWAITED_MAX).await?;
    Ok(awaited.iter().filter(|awaited| !is_asked(awaited)).map(|awaited| of_course(link, awaited)).collect())
}

fn of_course(link: &LinkName, awaited: &AwaitedCourse) -> Alert {
    let AwaitedCourse { course, code, records, since } = awaited;
    let (kind, remedy) = AlertKind::of_attention(code.as_str());
    let what = match code {
        OutcomeCode::NoManualInstance => {
            format!("the Moodle course with the ID number {course} has no enabled manual enrolment method")
        }
        _ => format!("no Moodle course has the ID number {course}"),
    };
    let wait = counted_as(*records, "record waits for it and is", "records wait for it and are");
    Alert {
        kind,
        subject: format!("{code}:{course}"),
        title: format!("{what}; {wait} tried again"),
        remedy: remedy.to_owned(),
        path: format!("/courses?link={link}&q={}", utf8_percent_encode(course.as_str(), NON_ALPHANUMERIC)),
        since: *since,
        cause_since: None,
    }
}

/// The newest run, where it failed; since the first of those that failed in a row.
fn failed_run(runs: &[RunRow]) -> Option<Alert> {
    let ended = runs.iter().filter(|run| run.kind == RunKind::Normal && run.ended.is_some());
    let failed: Vec<&RunRow> = ended.take_while(|run| has_failed(run)).collect();
    let (newest, first) = (failed.first()?, failed.last()?);
    // A process that was killed once has a successor that goes on by itself.
    if failed.iter().all(|run| run.state == RunState::Abandoned) && failed.len() < CUT_OFF_MIN {
        return None;
    }
    let what = match newest.state {
        RunState::Abandoned => "it was cut off before it ended",
        _ => newest.reason.as_str(),
    };
    let times = if failed.len() == 1 { String::new() } else { format!(", {} runs in a row", failed.len()) };
    let remedy = match newest.state {
        RunState::Failed => "run `rollbook doctor`, mend what it names; the next run goes on where this one ended",
        _ => "look which site answers slowly (the run's page has its calls), or raise the link's `run_limit`",
    };
    Some(Alert {
        kind: AlertKind::RunFailed,
        subject: "run".to_owned(),
        title: format!("{what}{times}"),
        remedy: remedy.to_owned(),
        path: format!("/runs/{}", newest.id),
        since: first.started,
        cause_since: None,
    })
}

/// Whether a run did not do its work; one that somebody stopped is no trouble, one that reached its limit is.
fn has_failed(run: &RunRow) -> bool {
    match run.state {
        RunState::Failed | RunState::Abandoned => true,
        RunState::Stopped => run.reason.starts_with(OVERDUE),
        RunState::Running | RunState::Done | RunState::Partly | RunState::GuardRefused => false,
    }
}

/// The newest plan that waits for a person's word.
async fn refused_plan(journal: &Journal, link: &LinkName) -> Result<Option<Alert>, JournalError> {
    let plans = journal.plans().list(Some(link), Some(PlanState::Blocked), None, LOOKED_AT).await?;
    let (Some(newest), Some(first)) = (plans.first(), plans.last()) else { return Ok(None) };
    let found = newest.findings.iter().filter(|finding| finding.level == Level::Block);
    let found: Vec<String> = found.map(|finding| format!("{}: {}", finding.subject, finding.message)).take(3).collect();
    Ok(Some(Alert {
        kind: AlertKind::GuardRefused,
        subject: "plan".to_owned(),
        title: format!("plan {}: {}", newest.id, found.join("; ")),
        remedy: format!("look at the plan; approve or reject it there, or with `rollbook plans approve {}`", newest.id),
        path: format!("/plans/{}", newest.id),
        since: first.made,
        cause_since: None,
    }))
}
