//! Guilds: the members and cohort of each, whether they are in sync, and the last change; and a sync of one guild or person.

use super::submit::{find_link, submit};
use super::views::moodle::MoodleUrls;
use crate::auth::permissions::Permission;
use crate::layout::{
    Badge, Layout, PageContext, PageLocation, PageResult, ShownTime, TimeFormatter, Tone, format_count, pluralise,
    run_badge, run_reason, show,
};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, PathParam};
use askama::Template;
use rollbook_core::model::PairState;
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Job, Narrow, Purpose};
use rollbook_journal::{GuildRow, RunFilter, RunRow};
use rollbook_settings::link::Link;
use serde::Deserialize;
use serde_json::Value;

const RUNS: u32 = 10;

#[derive(Template)]
#[template(path = "pages/guilds.html")]
struct GuildsPage {
    layout: Layout,
    may_run: bool,
    links: Vec<LinkGuilds>,
}

struct LinkGuilds {
    name: String,
    ends: String,
    guilds: Vec<GuildRowView>,
    runs: Vec<RunRowView>,
}

struct GuildRowView {
    label: String,
    machine_name: String,
    members: String,
    cohort: String,
    cohort_url: String,
    badge: Badge,
    last: String,
    synced: Option<ShownTime>,
}

struct RunRowView {
    path: String,
    began: ShownTime,
    badge: Badge,
    summary: String,
}

pub(super) async fn show_guilds(context: PageContext) -> PageResult {
    let journal = &context.state.journal;
    let mut links = Vec::new();
    for link in context.state.settings.links.values().filter(|link| matches!(link, Link::Guilds(_))) {
        let times = context.times(Some(link.name()));
        let moodle = MoodleUrls::of(&context.state.settings, link.name());
        let guilds = journal.guilds().list(link.name()).await?;
        let filter = RunFilter { link: Some(link.name().clone()), limit: RUNS, ..RunFilter::default() };
        let runs = journal.runs().list(&filter).await?;
        let (from, to) = link.ends();
        links.push(LinkGuilds {
            name: link.name().to_string(),
            ends: format!("{from} → {to}"),
            guilds: guilds.iter().map(|guild| guild_row(guild, &moodle, &times)).collect(),
            runs: runs
                .iter()
                .map(|run| RunRowView {
                    path: format!("/runs/{}", run.id),
                    began: times.ago(run.started),
                    badge: run_badge(run),
                    summary: if run.reason.is_empty() { result_of(run) } else { run_reason(run) },
                })
                .collect(),
        });
    }
    let page = GuildsPage {
        layout: Layout { live: 5, ..context.layout("Guilds", PageLocation::Guilds).await? },
        may_run: context.may(Permission::Run),
        links,
    };
    show(&page)
}

/// The result of a run without a reason.
fn result_of(run: &RunRow) -> String {
    match (run.state, run.counts.enrolled, run.counts.suspended) {
        (RunState::Running, _, _) => String::new(),
        (_, 0, 0) => "nothing changed".to_owned(),
        (_, added, removed) => format!("{} added, {} removed", format_count(added), format_count(removed)),
    }
}

fn guild_row(guild: &GuildRow, moodle: &MoodleUrls, times: &TimeFormatter) -> GuildRowView {
    let count = |name: &str| guild.stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (failed, skipped) = (count("failed"), count("skipped"));
    let badge = match guild.pair.state {
        PairState::Archived => Badge::new(Tone::Plain, "archived"),
        PairState::Live if guild.last_sync.is_none() => Badge::new(Tone::Busy, "not synchronised yet"),
        PairState::Live if failed > 0 => Badge::new(Tone::Bad, format!("out of sync: {failed} open")),
        PairState::Live if skipped > 0 => Badge::new(Tone::Warn, format!("in sync, {skipped} skipped")),
        PairState::Live => Badge::new(Tone::Good, "in sync"),
    };
    let last = match (count("added"), count("removed")) {
        (0, 0) => "nothing changed".to_owned(),
        (added, removed) => format!("{added} added, {removed} removed"),
    };
    GuildRowView {
        label: guild.pair.label.clone(),
        machine_name: guild.pair.machine_name.to_string(),
        members: format_count(count("members")),
        cohort: format!("{} in cohort {}", pluralise(guild.members, "member"), guild.pair.cohort),
        cohort_url: moodle.cohort(guild.pair.cohort),
        badge,
        last: if guild.last_sync.is_some() { last } else { String::new() },
        synced: times.maybe(guild.last_sync),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncForm {
    guild: String,
    user: String,
    dry_run: String,
}

pub(super) async fn sync(
    context: PageContext,
    PathParam(link): PathParam<String>,
    FormData(form): FormData<SyncForm>,
) -> PageResult {
    let Link::Guilds(found) = find_link(&context, &link)? else {
        return Err(PageError::NotFound(format!("guilds link called {link}")));
    };
    let link = found.name.clone();
    let purpose = if form.dry_run.is_empty() { Purpose::Apply } else { Purpose::DryRun };
    let narrow = match (form.guild.trim(), form.user.trim()) {
        ("", "") => Narrow::Usual,
        (guild, "") => Narrow::Guild { guild: guild.to_owned() },
        ("", user) => Narrow::User { user: user.to_owned() },
        (_, _) => return Err(PageError::Invalid("Enter a guild or a person, not both".to_owned())),
    };
    let path = submit(&context, &Job::RunLink { link, purpose, narrow }).await?;
    Ok(context.redirect("The synchronisation was requested", &path))
}
