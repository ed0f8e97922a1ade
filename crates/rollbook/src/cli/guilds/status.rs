//! `rollbook guilds status COMMUNITY MOODLE`: how the link stands. A synchronisation ends with the same lines.

use super::help::Guided;
use super::lines::{Lines, count};
use crate::cli::output::{Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::{PairState, SiteName};
use rollbook_settings::GuildsLink;
use rollbook_sync::flows::guilds::{
    GuildsFlow, GuildsStatus, LastRun, Purpose, Reach, SiteStatus, Sites, look_at_guilds, make_guilds,
};
use serde_json::{Value, json};

/// Show the state of a community and its cohorts in Moodle
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The community's name in the configuration
    community: String,

    /// The Moodle's name in the configuration
    moodle: String,
}

impl Status {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let (from, to) = (SiteName::new(self.community.as_str()), SiteName::new(self.moodle.as_str()));
        let found = settings.guild(&from, &to)?;
        let flow = make_guilds(&found, &context.clock)
            .into_diagnostic()
            .wrap_err_with(|| format!("while preparing {}", found.link.name))?;
        let journal = context.journal(&settings).await?;
        let status = look_at_guilds(&flow, &journal, &context.clock, Reach::Sites).await.into_diagnostic()?;
        let now = context.clock.now();
        let mut lines = Lines { out: &mut context.out, purpose: Purpose::Apply };
        lines.out.heading(format_args!("Guilds: {from} to {to}"));
        let sites = match &status.sites {
            Some(SiteStatus::Reached(sites)) => Some(&**sites),
            Some(SiteStatus::Unreached(_)) | None => None,
        };
        tell_status(&status, sites, &flow, &found, now, &mut lines);
        tell_each_guild(&status, &mut lines);
        let json = as_json(&status, sites, &found, now);
        context.out.json(&json);
        match status.sites {
            Some(SiteStatus::Unreached(error)) => Err(Guided::new(error, &flow).into()),
            Some(SiteStatus::Reached(_)) | None => Ok(Exit::Fine),
        }
    }
}

/// The dashboard: sites, last synchronisation, numbers, failures, next run, quick actions.
pub(super) fn tell_status(
    status: &GuildsStatus,
    sites: Option<&Sites>,
    flow: &GuildsFlow,
    link: &GuildsLink<'_>,
    now: Timestamp,
    lines: &mut Lines<'_>,
) {
    let GuildsFlow { from, to, .. } = flow;
    match sites {
        Some(sites) => {
            let (theirs, ours) = (sites.community.answered_ms, sites.moodle.answered_ms);
            lines.sign(Sign::Done, format_args!("sites: {from} answers in {theirs} ms, {to} in {ours} ms"));
        }
        None => lines.sign(Sign::Failed, "sites: at least one did not answer"),
    }
    match &status.last {
        Some(LastRun { run, age }) => {
            let zone = &link.link.schedule.timezone;
            let at = shown(run.ended.unwrap_or(run.started), zone);
            let took = run.ended.map_or(SignedDuration::ZERO, |ended| ended.duration_since(run.started));
            let sign = if status.stale { Sign::Warning } else { Sign::Done };
            let stale = if status.stale { ", overdue" } else { "" };
            let (age, took) = (ago(*age), took.as_millis());
            lines.sign(sign, format_args!("last full synchronisation: {at}, {age}{stale}; took {took} ms"));
        }
        None => lines.sign(Sign::Warning, "last full synchronisation: never"),
    }
    let (users, cohorts) = (count(status.users, "user"), count(status.cohorts, "cohort"));
    let (memberships, archived) = (count(status.memberships, "membership"), status.archived);
    lines.sign(Sign::Note, format_args!("synchronised: {users} in {cohorts} ({memberships}), {archived} archived"));
    match &status.failure {
        Some(LastRun { run, age }) => {
            let (age, state, reason) = (ago(*age), run.state.as_str().replace('_', " "), &run.reason);
            lines.sign(Sign::Failed, format_args!("failures: the run {age} ended as {state}: {reason}"));
        }
        None => lines.sign(Sign::Done, "failures: none since the last good run"),
    }
    for plan in &status.waiting {
        lines.sign(Sign::Warning, format_args!("plan {plan} needs approval: rollbook plans show {plan}"));
    }
    let schedule = &link.link.schedule;
    match schedule.next_after(now).filter(|_| schedule.enabled) {
        Some(next) => lines.sign(Sign::Note, format_args!("next run: {}", shown(next, &schedule.timezone))),
        None => lines.sign(Sign::Note, "next run: not scheduled"),
    }
    lines.line("Quick actions:");
    for action in [
        format!("rollbook guilds sync {from} {to}"),
        format!("rollbook guilds sync {from} {to} --dry-run -v"),
        format!("rollbook guilds status {from} {to}"),
        format!("rollbook guilds list {from}"),
    ] {
        lines.line(format_args!("    {action}"));
    }
}

fn tell_each_guild(status: &GuildsStatus, lines: &mut Lines<'_>) {
    if status.guilds.is_empty() {
        return;
    }
    let mut table = Table::new(["guild", "cohort", "members", "state", "last sync"]).numbers(&[1, 2]);
    for row in &status.guilds {
        let state = match row.pair.state {
            PairState::Live => "live",
            PairState::Archived => "archived",
        };
        let last = row.last_sync.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
        let (name, cohort) = (row.pair.machine_name.to_string(), row.pair.cohort.to_string());
        table.row([name, cohort, row.members.to_string(), state.to_owned(), last]);
    }
    lines.line("");
    lines.out.table(&table);
}

fn shown(at: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// A duration as people say it.
fn ago(age: SignedDuration) -> String {
    let minutes = age.as_mins();
    match minutes {
        ..1 => "just now".to_owned(),
        1..120 => format!("{} ago", count(minutes.unsigned_abs(), "minute")),
        120..2880 => format!("{} ago", count((minutes / 60).unsigned_abs(), "hour")),
        _ => format!("{} ago", count((minutes / 1440).unsigned_abs(), "day")),
    }
}

fn as_json(status: &GuildsStatus, sites: Option<&Sites>, link: &GuildsLink<'_>, now: Timestamp) -> Value {
    let run = |last: &Option<LastRun>| {
        last.as_ref().map(|last| {
            json!({
                "run": last.run.id, "state": last.run.state, "started": last.run.started, "ended": last.run.ended,
                "reason": last.run.reason, "age_s": last.age.as_secs(),
            })
        })
    };
    let guilds = status.guilds.iter().map(|row| {
        json!({
            "uuid": row.uuid, "machine_name": row.pair.machine_name, "label": row.pair.label, "cohort": row.pair.cohort,
            "state": row.pair.state, "members": row.members, "last_sync": row.last_sync, "stats": row.stats,
        })
    });
    json!({
        "link": link.link.name,
        "reached": sites.is_some(),
        "community_ms": sites.map(|sites| sites.community.answered_ms),
        "moodle_ms": sites.map(|sites| sites.moodle.answered_ms),
        "last": run(&status.last),
        "stale": status.stale,
        "failure": run(&status.failure),
        "users": status.users,
        "memberships": status.memberships,
        "cohorts": status.cohorts,
        "archived": status.archived,
        "waiting_plans": status.waiting,
        "next_run": link.link.schedule.next_after(now).filter(|_| link.link.schedule.enabled),
        "guilds": guilds.collect::<Vec<_>>(),
    })
}
