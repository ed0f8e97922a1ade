//! Guilds: per guild its members and cohort, whether they are in step, and what changed last; and a sync of one guild or person.

use super::links::{find_link, put};
use crate::auth::Permission;
use crate::incident::Failure;
use crate::layout::{
    Answer, Badge, Caller, Here, Shell, TimeFormatter, Tone, When, counted, grouped, run_badge, run_reason, show,
};
use askama::Template;
use axum::extract::{Form, Path};
use rollbook_core::model::PairState;
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Job, Narrow, Purpose};
use rollbook_journal::{GuildRow, RunFilter, RunRow};
use rollbook_settings::link::Link;
use serde::Deserialize;
use serde_json::Value;

/// So many runs are shown of each link.
const RUNS: u32 = 10;

#[derive(Template)]
#[template(path = "pages/guilds.html")]
struct GuildsPage {
    shell: Shell,
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
    synced: Option<When>,
}

struct RunLine {
    path: String,
    began: When,
    badge: Badge,
    told: String,
}

pub(super) async fn show_guilds(caller: Caller) -> Answer {
    let journal = &caller.state.journal;
    let mut links = Vec::new();
    for link in caller.state.settings.links.values().filter(|link| matches!(link, Link::Guilds(_))) {
        let clockwork = caller.clockwork(Some(link.name()));
        let guilds = journal.guilds().list(link.name()).await?;
        let filter = RunFilter { link: Some(link.name().clone()), limit: RUNS, ..RunFilter::default() };
        let runs = journal.runs().list(&filter).await?;
        let (from, to) = link.ends();
        links.push(LinkGuilds {
            name: link.name().to_string(),
            ends: format!("{from} → {to}"),
            guilds: guilds.iter().map(|guild| guild_line(guild, &clockwork)).collect(),
            runs: runs
                .iter()
                .map(|run| RunLine {
                    path: format!("/runs/{}", run.id),
                    began: clockwork.ago(run.started),
                    badge: run_badge(run),
                    told: if run.reason.is_empty() { came_to(run) } else { run_reason(run) },
                })
                .collect(),
        });
    }
    let page = GuildsPage {
        shell: Shell { live: 5, ..caller.shell("Guilds", Here::Guilds).await? },
        may_run: caller.may(Permission::Run),
        links,
    };
    show(&page)
}

/// What a run that has nothing else to say came to.
fn came_to(run: &RunRow) -> String {
    match (run.state, run.counts.enrolled, run.counts.suspended) {
        (RunState::Running, _, _) => String::new(),
        (_, 0, 0) => "nothing changed".to_owned(),
        (_, added, removed) => format!("{} added, {} removed", grouped(added), grouped(removed)),
    }
}

fn guild_line(guild: &GuildRow, clockwork: &TimeFormatter) -> GuildLine {
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
        members: grouped(count("members")),
        cohort: format!("{} in cohort {}", counted(guild.members, "member"), guild.pair.cohort),
        badge,
        last: if guild.last_sync.is_some() { last } else { String::new() },
        synced: clockwork.maybe(guild.last_sync),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    guild: String,
    user: String,
    look: String,
}

pub(super) async fn sync(caller: Caller, Path(link): Path<String>, Form(wanted): Form<Wanted>) -> Answer {
    let Link::Guilds(found) = find_link(&caller, &link)? else {
        return Err(Failure::NotFound(format!("guilds link called {link}")));
    };
    let link = found.name.clone();
    let purpose = if wanted.look.is_empty() { Purpose::Apply } else { Purpose::DryRun };
    let narrow = match (wanted.guild.trim(), wanted.user.trim()) {
        ("", "") => Narrow::Usual,
        (guild, "") => Narrow::Guild { guild: guild.to_owned() },
        ("", user) => Narrow::User { user: user.to_owned() },
        (_, _) => return Err(Failure::Invalid("Name a guild or a person, not both".to_owned())),
    };
    let path = put(&caller, &Job::RunLink { link, purpose, narrow }).await?;
    Ok(caller.done("The synchronisation was asked for", &path))
}
