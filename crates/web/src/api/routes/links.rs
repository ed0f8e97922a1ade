//! Links: the state of each, and the trigger for external schedulers.

use super::runs::RunView;
use crate::api::context::{Accepted, ApiContext};
use crate::api::document::{ReadErrors, WriteErrors};
use crate::api::extractors::{OptionalJsonBody, PathParam};
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

/// A link and its state.
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
    /// Whether its schedule is on.
    enabled: bool,
    /// Since when it is paused, by whom and why.
    paused: Option<PausedView>,
    /// When its schedule runs it next.
    next_run: Option<Timestamp>,
    /// Up to which record creation time the feed is covered.
    watermark: Option<Timestamp>,
    /// When an Enrol or Suspend was last applied.
    last_record: Option<Timestamp>,
    /// Its newest run.
    last_run: Option<RunView>,
    /// Who runs it now.
    running: Option<String>,
    /// Records that are not settled, by outcome code.
    waiting: BTreeMap<String, u64>,
    /// Open attention items.
    attention: u64,
    /// Plans that wait for approval.
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

/// Every link: its state, its last and next run
#[utoipa::path(get, path = "/links", tag = "links", responses((status = 200, body = Links), ReadErrors))]
pub async fn list_links(context: ApiContext) -> Result<Json<Links>, Problem> {
    let settings = context.state.settings.clone();
    let links: Vec<&Link> = settings.links.values().collect();
    Ok(Json(Links { links: views(&context, &links).await? }))
}

/// One link
#[utoipa::path(get, path = "/links/{link}", tag = "links", params(("link" = String, Path)),
    responses((status = 200, body = LinkView), ReadErrors))]
pub async fn show_link(context: ApiContext, PathParam(name): PathParam<String>) -> Result<Json<LinkView>, Problem> {
    let settings = context.state.settings.clone();
    let link = settings.links.get(&LinkName::new(&name)).ok_or_else(|| no_link(&name))?;
    let view = views(&context, &[link]).await?.pop();
    view.map(Json).ok_or_else(|| no_link(&name))
}

async fn views(context: &ApiContext, links: &[&Link]) -> Result<Vec<LinkView>, Problem> {
    let overview = context.state.journal.links().overview(context.now).await?;
    let schedules = context.state.journal.schedule().list().await?;
    let view = |link: &&Link| {
        let overview = overview.iter().find(|overview| overview.state.link == *link.name());
        view(link, overview, schedules.get(link.name()), context.now)
    };
    Ok(links.iter().map(view).collect())
}

fn view(link: &Link, overview: Option<&LinkOverview>, row: Option<&ScheduleRow>, now: Timestamp) -> LinkView {
    let schedule = link.schedule();
    let (from, to) = link.ends();
    let switch = row.and_then(|row| row.switch.as_ref()).map(|switch| switch.enabled);
    let enabled = switch.unwrap_or(schedule.enabled);
    let paused = overview.and_then(|overview| overview.state.paused.clone());
    let planned = row.and_then(|row| row.next).filter(|next| *next > now);
    let next_run = planned.or_else(|| schedule.next_after(now)).filter(|_| enabled && paused.is_none());
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

/// How much of a link to run; by default all that is due.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trigger {
    /// Only show what it would change.
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

/// Run a link now, for external schedulers. The answer says where to poll for the result
#[utoipa::path(post, path = "/links/{link}/runs", tag = "links", params(("link" = String, Path)),
    request_body = Option<Trigger>,
    responses((status = 202, description = "Accepted; poll the request", body = Accepted), WriteErrors))]
pub async fn run_link(
    context: ApiContext,
    PathParam(name): PathParam<String>,
    OptionalJsonBody(trigger): OptionalJsonBody<Trigger>,
) -> Result<Accepted, Problem> {
    let settings = context.state.settings.clone();
    let link = settings.links.get(&LinkName::new(&name)).ok_or_else(|| no_link(&name))?;
    let narrow = narrow(link, &trigger)?;
    let purpose = if trigger.dry_run { Purpose::DryRun } else { Purpose::Apply };
    context.submit(&Job::RunLink { link: link.name().clone(), purpose, narrow }).await
}

fn narrow(link: &Link, Trigger { dry_run: _, full, guild, user }: &Trigger) -> Result<Narrow, Problem> {
    let fits = |text: &String| (1..=300).contains(&text.trim().chars().count());
    if ![guild, user].into_iter().flatten().all(fits) {
        return Err(Problem::invalid("the name of a guild or user has 1 to 300 characters"));
    }
    match (link, full, guild, user) {
        (_, false, None, None) => Ok(Narrow::Usual),
        (Link::Completions(_), true, None, None) => Ok(Narrow::Full),
        (Link::Guilds(_), false, Some(guild), None) => Ok(Narrow::Guild { guild: guild.clone() }),
        (Link::Guilds(_), false, None, Some(user)) => Ok(Narrow::User { user: user.clone() }),
        _ => Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            format!("a link of the flow {} does not support this filter", link.flow()),
        )),
    }
}
