//! Guilds: per guild its members and cohort, whether they are in step, and what changed last; and a sync of one guild or person.

use super::links::{find_link, put};
use crate::auth::Permission;
use crate::incident::PageError;
use crate::layout::{
    Answer, Badge, PageContext, PageLocation, Layout, TimeFormatter, Tone, ShownTime, pluralise, format_count, run_badge, run_reason, show,
};
use askama::Template;
use axum::extract::{Form, Path};
use rollbook_core::model::PairState;
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Ask, Narrow, Purpose};
use rollbook_journal::{GuildRow, RunFilter, RunRow};
use rollbook_settings::link::Link;
use serde::Deserialize;
use serde_json::Value;

/// So many runs are shown of each link.
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
    guilds: Vec<GuildLine>,
    runs: Vec<RunLine>,
}

struct GuildLine {
    label: String,
    machine_name: String,
    members: String,
    cohort: String,
    badge: Badge,
    last: String,
    synced: Option<ShownTime>,
}

struct RunLine {
    path: String,
    began: ShownTime,
    badge: Badge,
    told: String,
}

pub(super) async fn show_guilds(context: PageContext) -> Answer {
    let journal = &context.state.journal;
    let mut links = Vec::new();
    for link in context.state.settings.links.values().filter(|link| matches!(link, Link::Guilds(_))) {
        let times = context.times(Some(link.name()));
        let guilds = journal.guilds(link.name()).await?;
        let filter = RunFilter { link: Some(link.name().clone()), limit: RUNS, ..RunFilter::default() };
        let runs = journal.runs(&filter).await?;
        let (from, to) = link.ends();
        links.push(LinkGuilds {
            name: link.name().to_string(),
            ends: format!("{from} → {to}"),
            guilds: guilds.iter().map(|guild| guild_line(guild, &times)).collect(),
            runs: runs
                .iter()
                .map(|run| RunLine {
                    path: format!("/runs/{}", run.id),
                    began: times.ago(run.started),
                    badge: run_badge(run),
                    told: if run.reason.is_empty() { came_to(run) } else { run_reason(run) },
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

/// What a run that has nothing else to say came to.
fn came_to(run: &RunRow) -> String {
    match (run.state, run.counts.enrolled, run.counts.suspended) {
        (RunState::Running, _, _) => String::new(),
        (_, 0, 0) => "nothing changed".to_owned(),
        (_, added, removed) => format!("{} added, {} removed", format_count(added), format_count(removed)),
    }
}

fn guild_line(guild: &GuildRow, times: &TimeFormatter) -> GuildLine {
    let count = |name: &str| guild.stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (failed, skipped) = (count("failed"), count("skipped"));
    let badge = match guild.pair.state {
        PairState::Archived => Badge::new(Tone::Plain, "archived"),
        PairState::Live if guild.last_sync.is_none() => Badge::new(Tone::Busy, "not synchronised yet"),
        PairState::Live if failed > 0 => Badge::new(Tone::Bad, format!("drifted: {failed} open")),
        PairState::Live if skipped > 0 => Badge::new(Tone::Warn, format!("in step but for {skipped} left alone")),
        PairState::Live => Badge::new(Tone::Good, "in step"),
    };
    let last = match (count("added"), count("removed")) {
        (0, 0) => "nothing changed".to_owned(),
        (added, removed) => format!("{added} added, {removed} removed"),
    };
    GuildLine {
        label: guild.pair.label.clone(),
        machine_name: guild.pair.machine_name.to_string(),
        members: format_count(count("members")),
        cohort: format!("{} in cohort {}", pluralise(guild.members, "member"), guild.pair.cohort),
        badge,
        last: if guild.last_sync.is_some() { last } else { String::new() },
        synced: times.maybe(guild.last_sync),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    guild: String,
    user: String,
    look: String,
}

pub(super) async fn sync(context: PageContext, Path(link): Path<String>, Form(wanted): Form<Wanted>) -> Answer {
    let Link::Guilds(found) = find_link(&context, &link)? else {
        return Err(PageError::NotFound(format!("guilds link called {link}")));
    };
    let link = found.name.clone();
    let purpose = if wanted.look.is_empty() { Purpose::Apply } else { Purpose::DryRun };
    let narrow = match (wanted.guild.trim(), wanted.user.trim()) {
        ("", "") => Narrow::Usual,
        (guild, "") => Narrow::Guild { guild: guild.to_owned() },
        ("", user) => Narrow::User { user: user.to_owned() },
        (_, _) => return Err(PageError::Invalid("Name a guild or a person, not both".to_owned())),
    };
    let path = submit(&context, &Ask::RunLink { link, purpose, narrow }).await?;
    Ok(context.done("The synchronisation was asked for", &path))
}
