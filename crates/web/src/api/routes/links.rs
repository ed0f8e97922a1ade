//! Links: how each stands, and the trigger for schedulers outside.

use super::runs::RunView;
use crate::api::auth::{Accepted, Asker};
use crate::api::document::{Acting, Reading};
use crate::api::extractors::{Named, Perhaps};
use crate::api::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Job, Narrow, Purpose};
use rollbook_journal::{LinkOverview, ScheduleRow};
use rollbook_settings::link::Link;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A link, and how it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Its name, as configured.
    name: String,
    /// `intake`, `completions` or `guilds`.
    flow: String,
    /// The site that it reads from, and the one that it writes to.
    sites: [String; 2],
    /// When it runs: a cron expression.
    schedule: String,
    /// The zone in which that counts.
    timezone: Option<String>,
    /// Whether it runs by itself.
    enabled: bool,
    /// Since when it is paused, by whom and why.
    paused: Option<PausedView>,
    /// When it runs next by itself.
    next_run: Option<Timestamp>,
    /// Up to which record creation time the feed is covered.
    watermark: Option<Timestamp>,
    /// When an Enrol or Suspend came to something last.
    last_record: Option<Timestamp>,
    /// Its newest run.
    last_run: Option<RunView>,
    /// Who runs it now.
    running: Option<String>,
    /// Records that are not settled, by outcome code.
    waiting: BTreeMap<String, u64>,
    /// Open attention items.
    attention: u64,
    /// Plans that wait for a person's word.
    plans: u64,
}

/// A pause.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PausedView {
    /// Since when.
    since: Timestamp,
    /// By whom.
    by: String,
    /// Why.
    why: String,
}

/// Every link.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Links {
    /// By name.
    links: Vec<LinkView>,
}

/// Every link: whether it is well, when it ran last and runs next
#[utoipa::path(get, path = "/links", tag = "links", responses((status = 200, body = Links), Reading))]
pub async fn list_links(asker: Asker) -> Result<Json<Links>, Problem> {
    let settings = asker.state.settings.clone();
    let links: Vec<&Link> = settings.links.values().collect();
    Ok(Json(Links { links: views(&asker, &links).await? }))
}

/// One link
#[utoipa::path(get, path = "/links/{link}", tag = "links", params(("link" = String, Path)),
    responses((status = 200, body = LinkView), Reading))]
pub async fn show_link(asker: Asker, Named(name): Named<String>) -> Result<Json<LinkView>, Problem> {
    let settings = asker.state.settings.clone();
    let link = settings.links.get(&LinkName::new(&name)).ok_or_else(|| no_link(&name))?;
    let view = views(&asker, &[link]).await?.pop();
    view.map(Json).ok_or_else(|| no_link(&name))
}

async fn views(asker: &Asker, links: &[&Link]) -> Result<Vec<LinkView>, Problem> {
    let overview = asker.state.journal.links().overview(asker.now).await?;
    let schedules = asker.state.journal.schedule().list().await?;
    let view = |link: &&Link| {
        let overview = overview.iter().find(|overview| overview.state.link == *link.name());
        view(link, overview, schedules.get(link.name()), asker.now)
    };
    Ok(links.iter().map(view).collect())
}

fn view(link: &Link, overview: Option<&LinkOverview>, row: Option<&ScheduleRow>, now: Timestamp) -> LinkView {
    let schedule = link.schedule();
    let (from, to) = link.ends();
    let word = row.and_then(|row| row.switch.as_ref()).map(|switch| switch.enabled);
    let enabled = word.unwrap_or(schedule.enabled);
    let paused = overview.and_then(|overview| overview.state.paused.clone());
    let said = row.and_then(|row| row.next).filter(|next| *next > now);
    let next_run = said.or_else(|| schedule.next_after(now)).filter(|_| enabled && paused.is_none());
    LinkView {
        name: link.name().to_string(),
        flow: link.flow().to_owned(),
        sites: [from.to_string(), to.to_string()],
        schedule: schedule.text.clone(),
        timezone: schedule.timezone.iana_name().map(str::to_owned),
        enabled,
        paused: paused.map(|(since, by, why)| PausedView { since, by, why }),
        next_run,
        watermark: overview.and_then(|overview| overview.state.watermark),
        last_record: overview.and_then(|overview| overview.last_record),
        last_run: overview.and_then(|overview| overview.last_run.as_ref()).map(RunView::of),
        running: overview.and_then(|overview| overview.held_by.as_ref()).map(|(holder, _)| holder.clone()),
        waiting: overview.map(waiting).unwrap_or_default(),
        attention: overview.map_or(0, |overview| overview.attention),
        plans: overview.map_or(0, |overview| overview.plans),
    }
}

fn waiting(overview: &LinkOverview) -> BTreeMap<String, u64> {
    overview.waiting.iter().map(|(code, total)| (code.as_str().to_owned(), *total)).collect()
}

fn no_link(name: &str) -> Problem {
    Problem::not_found(format!("link called {name}"))
}

/// How much of a link is to be run; all that is due where nothing is said.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trigger {
    /// Only show what it would do.
    dry_run: bool,
    /// Of a completions link: read everything that counts again.
    full: bool,
    /// Of a guilds link: one guild only, by machine name, label, number or UUID.
    #[schema(min_length = 1, max_length = 300)]
    guild: Option<String>,
    /// Of a guilds link: one person only, by number, user name or mail address.
    #[schema(min_length = 1, max_length = 300)]
    user: Option<String>,
}

/// Run a link now: for schedulers outside. The answer tells where to look what became of it
#[utoipa::path(post, path = "/links/{link}/runs", tag = "links", params(("link" = String, Path)),
    request_body = Option<Trigger>,
    responses((status = 202, description = "Asked; look at the request", body = Accepted), Acting))]
pub async fn run_link(
    asker: Asker,
    Named(name): Named<String>,
    Perhaps(trigger): Perhaps<Trigger>,
) -> Result<Accepted, Problem> {
    let settings = asker.state.settings.clone();
    let link = settings.links.get(&LinkName::new(&name)).ok_or_else(|| no_link(&name))?;
    let narrow = narrow(link, &trigger)?;
    let purpose = if trigger.dry_run { Purpose::DryRun } else { Purpose::Apply };
    asker.put(&Job::RunLink { link: link.name().clone(), purpose, narrow }).await
}

fn narrow(link: &Link, Trigger { dry_run: _, full, guild, user }: &Trigger) -> Result<Narrow, Problem> {
    let fits = |text: &String| (1..=300).contains(&text.trim().chars().count());
    if ![guild, user].into_iter().flatten().all(fits) {
        return Err(Problem::invalid("a guild or user is named by 1 to 300 characters"));
    }
    match (link, full, guild, user) {
        (_, false, None, None) => Ok(Narrow::Usual),
        (Link::Completions(_), true, None, None) => Ok(Narrow::Full),
        (Link::Guilds(_), false, Some(guild), None) => Ok(Narrow::Guild { guild: guild.clone() }),
        (Link::Guilds(_), false, None, Some(user)) => Ok(Narrow::User { user: user.clone() }),
        _ => Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            format!("a link of the flow {} cannot be narrowed so", link.flow()),
        )),
    }
}
