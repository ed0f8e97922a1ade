//! The overview: each link's health at a glance, the numbers of today and this week, a chart of the last runs.

use super::runs::chart_of_days;
use crate::auth::Permission;
use crate::layout::{
    Answer, Badge, Caller, Chart, Here, Shell, TimeFormatter, Tone, When, counted, flow_label, grouped, run_badge,
    run_reason, sentence, show, words,
};
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::run::{Counts, RunState};
use rollbook_journal::{LinkOverview, OutboxTotal, ScheduleRow};
use rollbook_settings::link::Link;

/// A process that says nothing for so long is taken for dead.
const SILENT: SignedDuration = SignedDuration::from_secs(60);
/// So many open episodes of a link are counted.
const EPISODES: u32 = 100;
/// So many of them are told; the others are a number.
const EPISODES_TOLD: usize = 2;
/// The chart shows so many days.
const DAYS: i64 = 14;
/// Seconds between two looks of the script.
const LIVE: u32 = 5;

#[derive(Template)]
#[template(path = "pages/overview.html")]
struct OverviewPage {
    shell: Shell,
    may_run: bool,
    may_ask: bool,
    may_pause: bool,
    process: Process,
    links: Vec<LinkCard>,
    numbers: Vec<Numbers>,
    chart: Chart,
}

/// Whether anything would run.
struct Process {
    is_there: bool,
    told: String,
}

struct LinkCard {
    name: String,
    flow: String,
    ends: String,
    badge: Badge,
    paused: Option<Paused>,
    last: Option<LastRun>,
    next: Option<When>,
    runs_now: String,
    covered: Option<When>,
    last_record: Option<When>,
    /// Records that wait, a line for each cause.
    waiting: Vec<String>,
    outbox: Vec<String>,
    attention: u64,
    plans: u64,
    episodes: Vec<Episode>,
    /// How many more there are.
    more_episodes: usize,
}

struct Paused {
    by: String,
    why: String,
    since: When,
}

struct LastRun {
    path: String,
    began: When,
    badge: Badge,
    told: String,
}

struct Episode {
    title: String,
    remedy: String,
    path: String,
    since: When,
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

pub(super) async fn show_overview(caller: Caller) -> Answer {
    let journal = &caller.state.journal;
    let clockwork = caller.clockwork(None);
    let overviews = journal.links().overview(caller.now).await?;
    let outbox = journal.outbox().totals().await?;
    let schedules = journal.schedule().list().await?;
    let mut links = Vec::new();
    for link in caller.state.settings.links.values() {
        let known = overviews.iter().find(|known| known.state.link == *link.name());
        let clockwork = caller.clockwork(Some(link.name()));
        let episodes = journal.notices().episodes(Some(link.name()), true, None, EPISODES).await?;
        let episodes = episodes.into_iter().map(|row| Episode {
            title: row.episode.title,
            remedy: sentence(&row.remedy),
            path: row.path,
            since: clockwork.ago(row.episode.began),
        });
        links.push(card(link, known, schedules.get(link.name()), &outbox, episodes.collect(), &clockwork));
    }
    let mut numbers = Vec::new();
    for (label, since) in [("Today", clockwork.day_began()), ("This week", clockwork.week_began())] {
        let mut sum = Counts::default();
        for intake in caller.state.settings.intakes() {
            add(&mut sum, &journal.runs().totals_since(Some(&intake.link.name), since).await?);
        }
        numbers.push(told(label, &sum));
    }
    let page = OverviewPage {
        shell: Shell { live: LIVE, ..caller.shell("Overview", Here::Overview).await? },
        may_run: caller.may(Permission::Run),
        may_ask: caller.may(Permission::Ask),
        may_pause: caller.may(Permission::Pause),
        process: process(&caller).await?,
        links,
        numbers,
        chart: chart_of_days(&caller, None, DAYS).await?,
    };
    show(&page)
}

async fn process(caller: &Caller) -> Result<Process, rollbook_journal::JournalError> {
    let nodes = caller.state.journal.nodes().list().await?;
    let alive = |seen: Timestamp| caller.now.duration_since(seen) < SILENT;
    let names: Vec<String> = nodes.iter().filter(|node| alive(node.seen)).map(|node| node.name.clone()).collect();
    Ok(match names.as_slice() {
        [] => Process {
            is_there: false,
            told:
                "No process is at work: nothing runs by itself, and no request is carried out. Start one with rollbook serve."
                    .to_owned(),
        },
        [one] => Process { is_there: true, told: format!("{one} is at work") },
        all => Process { is_there: true, told: format!("{} processes are at work: {}", all.len(), all.join(", ")) },
    })
}

/// Other flows count other things by the same names.
fn add(sum: &mut Counts, more: &Counts) {
    let Counts { records, enrolled, suspended, errors, skipped, waiting, accounts, mails, calls } = more;
    sum.records += records;
    sum.enrolled += enrolled;
    sum.suspended += suspended;
    sum.errors += errors;
    sum.skipped += skipped;
    sum.waiting += waiting;
    sum.accounts += accounts;
    sum.mails += mails;
    sum.calls += calls;
}

fn told(label: &'static str, counts: &Counts) -> Numbers {
    Numbers {
        label,
        enrolled: grouped(counts.enrolled),
        suspended: grouped(counts.suspended),
        accounts: grouped(counts.accounts),
        mails: grouped(counts.mails),
        waiting: grouped(counts.waiting),
        errors: counts.errors,
    }
}

fn card(
    link: &Link,
    known: Option<&LinkOverview>,
    schedule: Option<&ScheduleRow>,
    outbox: &[OutboxTotal],
    mut episodes: Vec<Episode>,
    clockwork: &TimeFormatter,
) -> LinkCard {
    let more_episodes = episodes.len().saturating_sub(EPISODES_TOLD);
    episodes.truncate(EPISODES_TOLD);
    let (from, to) = link.ends();
    let outbox = outbox.iter().filter(|total| total.link == *link.name()).map(|total| {
        let kind = total.kind.as_str();
        format!("{} {}, since {}", counted(total.total, kind), total.state, clockwork.ago(total.oldest).told)
    });
    let paused = known.and_then(|known| known.state.paused.clone());
    let paused = paused.map(|(since, by, why)| Paused { by, why, since: clockwork.ago(since) });
    let is_on = schedule.and_then(|row| row.switch.as_ref()).map_or(link.schedule().enabled, |switch| switch.enabled);
    LinkCard {
        name: link.name().to_string(),
        flow: flow_label(link.flow()),
        ends: format!("{from} → {to}"),
        badge: health(known, paused.is_some(), is_on, !episodes.is_empty()),
        last: known.and_then(|known| known.last_run.as_ref()).map(|run| LastRun {
            path: format!("/runs/{}", run.id),
            began: clockwork.ago(run.started),
            badge: run_badge(run),
            told: run_told(run),
        }),
        next: schedule.and_then(|row| clockwork.maybe(row.next)).filter(|_| paused.is_none()),
        runs_now: known.and_then(|known| known.held_by.clone()).map(|(by, _)| by).unwrap_or_default(),
        covered: known.and_then(|known| clockwork.maybe(known.state.watermark)),
        last_record: known.and_then(|known| clockwork.maybe(known.last_record)),
        waiting: known.map(waiting_lines).unwrap_or_default(),
        outbox: outbox.collect(),
        attention: known.map_or(0, |known| known.attention),
        plans: known.map_or(0, |known| known.plans),
        paused,
        episodes,
        more_episodes,
    }
}

fn run_told(run: &rollbook_journal::RunRow) -> String {
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
    known.waiting.iter().map(|(code, total)| format!("{} {}", grouped(*total), words(code.as_str()))).collect()
}

fn health(known: Option<&LinkOverview>, is_paused: bool, is_on: bool, has_episode: bool) -> Badge {
    let Some(known) = known else { return Badge::new(Tone::Plain, "never ran") };
    let state = known.last_run.as_ref().map(|run| run.state);
    match state {
        _ if is_paused => Badge::new(Tone::Warn, "paused"),
        _ if has_episode => Badge::new(Tone::Bad, "in trouble"),
        Some(RunState::Failed | RunState::GuardRefused | RunState::Abandoned) => Badge::new(Tone::Bad, "needs a look"),
        _ if known.attention > 0 || known.plans > 0 => Badge::new(Tone::Warn, "waits for a human"),
        _ if !is_on => Badge::new(Tone::Plain, "switched off"),
        Some(RunState::Running) => Badge::new(Tone::Busy, "running"),
        Some(RunState::Partly | RunState::Stopped) => Badge::new(Tone::Busy, "catching up"),
        Some(RunState::Done) => Badge::new(Tone::Good, "in step"),
        None => Badge::new(Tone::Plain, "never ran"),
    }
}
