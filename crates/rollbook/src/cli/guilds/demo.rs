//! The demo's guilds: the plan first, then the effect, then a run in which the community's account has lost its permission.

use super::sync::{Told, tell_sync};
use crate::cli::Context;
use crate::cli::output::Sign;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::SiteName;
use rollbook_core::run::RunState;
use rollbook_journal::Journal;
use rollbook_sandbox::Sandbox;
use rollbook_settings::Settings;
use rollbook_sync::flows::guilds::{GuildsQuery, GuildsReport, GuildsRequest, Purpose, make_guilds};

/// So many members of a guild are listed; `rollbook guilds sync … -v` lists them all.
const MEMBERS_MAX: usize = 3;

/// Synchronises the demo's community with its Moodle, three times.
pub(in crate::cli) async fn tell_demo(
    context: &mut Context,
    sandbox: &Sandbox,
    settings: &Settings,
    journal: &Journal,
    sites: (&str, &str),
) -> miette::Result<()> {
    let (community, moodle) = (SiteName::new(sites.0), SiteName::new(sites.1));
    let found = settings.guild(&community, &moodle)?;
    let flow = make_guilds(&found, &context.clock).into_diagnostic().wrap_err("while preparing the demo's guilds")?;
    let told = Told { link: &found, detailed: false, members_max: MEMBERS_MAX };

    context.out.heading("Guilds become cohorts: a dry run first");
    run(context, &flow, journal, Purpose::DryRun, &told).await?;
    context.out.heading("Guilds become cohorts: the real run");
    let done = run(context, &flow, journal, Purpose::Apply, &told).await?;
    if !matches!(done.state, RunState::Done | RunState::Partly) {
        return Err(miette!("the demo's guilds ended as {}", done.state));
    }

    context.out.heading("The community's account loses a permission: Drupal answers 200, with no members");
    let before = memberships(sandbox);
    set_sight(sandbox, false);
    let blind = run(context, &flow, journal, Purpose::Apply, &told).await;
    set_sight(sandbox, true);
    let blind = blind?;
    let after = memberships(sandbox);
    if before != after || blind.state != RunState::GuardRefused {
        return Err(miette!("a lost permission removed {} memberships", before.abs_diff(after)));
    }
    context.out.sign(Sign::Done, format_args!("Moodle still has {after} memberships; nobody was removed"));
    Ok(())
}

async fn run(
    context: &mut Context,
    flow: &rollbook_sync::flows::guilds::GuildsFlow,
    journal: &Journal,
    purpose: Purpose,
    told: &Told<'_>,
) -> miette::Result<GuildsReport> {
    let request = GuildsRequest { query: GuildsQuery::All, purpose, author: "demo".to_owned() };
    tell_sync(context, flow, journal, request, told).await
}

fn memberships(sandbox: &Sandbox) -> usize {
    sandbox.world().moodle.members.len()
}

fn set_sight(sandbox: &Sandbox, sees: bool) {
    if let Some(account) = sandbox.world().community.service_account() {
        account.rights.view_memberships = sees;
    }
}
