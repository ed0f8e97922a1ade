//! The overview: each link's health, the numbers of today and this week, a chart of the last two weeks.

use super::attention::attention_path;
use super::runs::chart_of_days;
use crate::auth::permissions::Permission;
use crate::layout::{
    Badge, Chart, Layout, PageContext, PageLocation, PageResult, ShownTime, TimeFormatter, Tone, flow_label,
    format_count, lower_label, pluralise, run_badge, run_reason, sentence, show,
};
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::LinkName;
use rollbook_core::run::{Counts, RunState};
use rollbook_journal::{AttentionFilter, AttentionItem, LinkOverview, OutboxTotal, ScheduleRow};
use rollbook_settings::link::Link;
use std::collections::BTreeMap;

/// A process that was not seen for so long is taken for dead.
const UNSEEN: SignedDuration = SignedDuration::from_secs(60);
/// So many open episodes of a link are pluralise.
const EPISODES: u32 = 100;
/// So many of them are shown; the others are a number.
const EPISODES_SHOWN: usize = 3;
/// So many open attention items of a link are counted by kind.
const ITEMS: u32 = 1_000;
/// The chart shows so many days.
const DAYS: i64 = 14;
/// Seconds between two looks of the script.
const LIVE: u32 = 5;

#[derive(Template)]
#[template(path = "pages/overview.html")]
struct OverviewPage {
    layout: Layout,
    may_run: bool,
    may_query: bool,
    may_pause: bool,
    process: Process,
    links: Vec<LinkCard>,
    numbers: Vec<Numbers>,
    chart: Chart,
}

/// Whether anything would run.
struct Process {
    is_running: bool,
    summary: String,
}

struct LinkCard {
    name: String,
    flow: String,
    ends: String,
    badge: Badge,
    paused: Option<Paused>,
    last: Option<LastRun>,
    next: Option<ShownTime>,
    runs_now: String,
    covered: Option<ShownTime>,
    last_record: Option<ShownTime>,
    /// Records that wait, a line for each cause.
    waiting: Vec<String>,
    outbox: Vec<String>,
    attention: u64,
    plans: u64,
    /// What needs attention, a line a kind.
    problems: Vec<Problem>,
    episodes: Vec<Episode>,
    more_episodes: usize,
}

struct Paused {
    by: String,
    why: String,
    since: ShownTime,
}

struct LastRun {
    path: String,
    began: ShownTime,
    badge: Badge,
    summary: String,
}

/// Attention items of a kind.
struct Problem {
    summary: String,
    path: String,
    oldest: ShownTime,
}

struct Episode {
    title: String,
    remedy: String,
    path: String,
    since: ShownTime,
}

struct Numbers {
    label: &'static str,
    enrolled: String,
    suspended: String,
    accounts: String,
    mails: String,
    waiting: String,
    errors: u64,
}

pub(super) async fn show_overview(context: PageContext) -> PageResult {
    let journal = &context.state.journal;
    let times = context.times(None);
    let overviews = journal.links().overview(context.now).await?;
    let outbox = journal.outbox().totals().await?;
    let schedules = journal.schedule().list().await?;
    let mut links = Vec::new();
    for link in context.state.settings.links.values() {
        let known = overviews.iter().find(|known| known.state.link == *link.name());
        let times = context.times(Some(link.name()));
        let episodes = journal.notices().episodes(Some(link.name()), true, None, EPISODES).await?;
        // Attention items have lines of their own, by kind.
        let episodes = episodes.into_iter().filter(|row| !row.path.starts_with("/attention/")).map(|row| Episode {
            title: row.episode.title,
            remedy: sentence(&row.remedy),
            path: row.path,
            since: times.ago(row.episode.began),
        });
        let filter = AttentionFilter { link: Some(link.name().clone()), ..AttentionFilter::default() };
        let problems = problems(link.name(), &journal.attention().list(&filter, ITEMS).await?, &times);
        links.push(card(link, known, schedules.get(link.name()), &outbox, (problems, episodes.collect()), &times));
    }
    let mut numbers: Vec<(&str, Counts)> = Vec::new();
    for (label, since) in [("Today", times.day_began()), ("This week", times.week_began())] {
        let mut sum = Counts::default();
        for intake in context.state.settings.intakes() {
            add(&mut sum, &journal.runs().totals_since(Some(&intake.link.name), since).await?);
        }
        // On a Monday the week says nothing else than the day.
        if numbers.last().is_none_or(|(_, known)| *known != sum) {
            numbers.push((label, sum));
        }
    }
    let page = OverviewPage {
        layout: Layout { live: LIVE, ..context.layout("Overview", PageLocation::Overview).await? },
        may_run: context.may(Permission::Run),
        may_query: context.may(Permission::Query),
        may_pause: context.may(Permission::Pause),
        process: process(&context).await?,
        links,
        numbers: numbers.iter().map(|(label, sum)| numbers_row(label, sum)).collect(),
        chart: chart_of_days(&context, None, DAYS).await?,
    };
    show(&page)
}

async fn process(context: &PageContext) -> Result<Process, rollbook_journal::JournalError> {
    let nodes = context.state.journal.nodes().list().await?;
    let alive = |seen: Timestamp| context.now.duration_since(seen) < UNSEEN;
    let names: Vec<String> = nodes.iter().filter(|node| alive(node.seen)).map(|node| node.name.clone()).collect();
    Ok(match names.as_slice() {
        [] => Process {
            is_running: false,
            summary:
                "No process is running: nothing runs on schedule and no request is executed. Start one with rollbook serve."
                    .to_owned(),
        },
        [one] => Process { is_running: true, summary: format!("{one} is running") },
        all => Process { is_running: true, summary: format!("{} processes are running: {}", all.len(), all.join(", ")) },
    })
}

/// Other flows count other things by the same names.
fn add(sum: &mut Counts, more: &Counts) {
    let Counts { records, enrolled, suspended, errors, skipped, waiting, planned, accounts, mails, calls } = more;
    sum.records += records;
    sum.enrolled += enrolled;
    sum.suspended += suspended;
    sum.errors += errors;
    sum.skipped += skipped;
    sum.waiting += waiting;
    sum.planned += planned;
    sum.accounts += accounts;
    sum.mails += mails;
    sum.calls += calls;
}

fn numbers_row(label: &'static str, counts: &Counts) -> Numbers {
    Numbers {
        label,
        enrolled: format_count(counts.enrolled),
        suspended: format_count(counts.suspended),
        accounts: format_count(counts.accounts),
        mails: format_count(counts.mails),
        waiting: format_count(counts.waiting),
        errors: counts.errors,
    }
}

fn card(
    link: &Link,
    known: Option<&LinkOverview>,
    schedule: Option<&ScheduleRow>,
    outbox: &[OutboxTotal],
    (problems, mut episodes): (Vec<Problem>, Vec<Episode>),
    times: &TimeFormatter,
) -> LinkCard {
    let more_episodes = episodes.len().saturating_sub(EPISODES_SHOWN);
    episodes.truncate(EPISODES_SHOWN);
    let (from, to) = link.ends();
    let outbox = outbox.iter().filter(|total| total.link == *link.name()).map(|total| {
        let kind = total.kind.as_str();
        format!("{} {}, since {}", pluralise(total.total, kind), total.state, times.ago(total.oldest).text)
    });
    let paused = known.and_then(|known| known.state.paused.clone());
    let paused = paused.map(|(since, by, why)| Paused { by, why, since: times.ago(since) });
    let is_on = schedule.and_then(|row| row.switch.as_ref()).map_or(link.schedule().enabled, |switch| switch.enabled);
    LinkCard {
        name: link.name().to_string(),
        flow: flow_label(link.flow()),
        ends: format!("{from} → {to}"),
        badge: health(known, paused.is_some(), is_on, !episodes.is_empty()),
        last: known.and_then(|known| known.last_run.as_ref()).map(|run| LastRun {
            path: format!("/runs/{}", run.id),
            began: times.ago(run.started),
            badge: run_badge(run),
            summary: run_summary(run),
        }),
        next: schedule.and_then(|row| times.maybe(row.next)).filter(|_| paused.is_none()),
        runs_now: known.and_then(|known| known.held_by.clone()).map(|(by, _)| by).unwrap_or_default(),
        covered: known.and_then(|known| times.maybe(known.state.watermark)),
        last_record: known.and_then(|known| times.maybe(known.last_record)),
        waiting: known.map(waiting_lines).unwrap_or_default(),
        outbox: outbox.collect(),
        attention: known.map_or(0, |known| known.attention),
        plans: known.map_or(0, |known| known.plans),
        paused,
        problems,
        episodes,
        more_episodes,
    }
}

/// "6 invalid", the most frequent first.
fn problems(link: &LinkName, items: &[AttentionItem], times: &TimeFormatter) -> Vec<Problem> {
    let mut kinds: BTreeMap<&str, (u64, Timestamp)> = BTreeMap::new();
    for item in items {
        let (count, oldest) = kinds.entry(&item.kind).or_insert((0, item.opened));
        *count += 1;
        *oldest = (*oldest).min(item.opened);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let problem = |(kind, (count, oldest)): (&str, (u64, Timestamp))| Problem {
        summary: format!("{} {}", format_count(count), lower_label(kind)),
        path: attention_path(link.as_str(), kind),
        oldest: times.ago(oldest),
    };
    kinds.into_iter().map(problem).collect()
}

fn run_summary(run: &rollbook_journal::RunRow) -> String {
    let counts = &run.counts;
    let has_ended_well = matches!(run.state, RunState::Running | RunState::Done | RunState::Partly);
    match run.flow.as_str() {
        "intake" if has_ended_well || run.reason.is_empty() => {
            format!("{} enrolled, {} suspended, {} errors", counts.enrolled, counts.suspended, counts.errors)
        }
        _ => run_reason(run),
    }
}

fn waiting_lines(known: &LinkOverview) -> Vec<String> {
    known
        .waiting
        .iter()
        .map(|(code, total)| format!("{} {}", format_count(*total), lower_label(code.as_str())))
        .collect()
}

fn health(known: Option<&LinkOverview>, is_paused: bool, is_on: bool, has_episode: bool) -> Badge {
    let Some(known) = known else { return Badge::new(Tone::Plain, "never ran") };
    let state = known.last_run.as_ref().map(|run| run.state);
    match state {
        _ if is_paused => Badge::new(Tone::Warn, "paused"),
        _ if has_episode => Badge::new(Tone::Bad, "failing"),
        Some(RunState::Failed | RunState::GuardRefused | RunState::Abandoned) => {
            Badge::new(Tone::Bad, "needs attention")
        }
        _ if known.attention > 0 || known.plans > 0 => Badge::new(Tone::Warn, "needs attention"),
        _ if !is_on => Badge::new(Tone::Plain, "schedule off"),
        Some(RunState::Running) => Badge::new(Tone::Busy, "running"),
        Some(RunState::Partly | RunState::Stopped) => Badge::new(Tone::Busy, "catching up"),
        Some(RunState::Done) => Badge::new(Tone::Good, "in sync"),
        None => Badge::new(Tone::Plain, "never ran"),
    }
}
