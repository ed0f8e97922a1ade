//! `rollbook doctor`: reaches every site, and says what is missing and what to do about it.
//!
//! It changes nothing anywhere. Next: [`crate::pipeline::doctor`], which examines.

use crate::cli::output::{Output, Sign};
use crate::cli::{Context, Exit};
use crate::clients::moodle::Function;
use crate::clock;
use crate::config::Settings;
use crate::config::link::{GoneGuild, Guilds, Link, MatchBy, RolesBy, WelcomeMode};
use crate::config::site::{Community, Elm, Moodle, Site};
use crate::pipeline::doctor::{
    Chart, Check, CommunityPatient, Health, MoodlePatient, examine_community, examine_elm, examine_mail, examine_moodle,
};
use crate::pipeline::guilds::{guild_rights, make_community};
use crate::pipeline::setup;
use crate::sources::moodle::Sentinel;
use clap::Args;
use rollbook_core::model::{MoodleUserId, RoleId};
use serde_json::json;
use std::collections::BTreeSet;

/// Reach every site and say what is missing
#[derive(Debug, Args)]
pub(in crate::cli) struct Doctor {
    /// Examine this site only
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
}

/// What every link to a Moodle calls.
const COMMON: [Function; 2] = [Function::SiteInfo, Function::UsersByField];
const INTAKE: [Function; 5] =
    [Function::CoursesByField, Function::EnrolledUsers, Function::UsersCourses, Function::CreateUsers, Function::Enrol];
const COMPLETIONS: [Function; 3] = [Function::CoursesByField, Function::UsersCourses, Function::CompletionStatus];
const GUILDS: [Function; 6] = [
    Function::Cohorts,
    Function::CohortMembers,
    Function::CreateCohorts,
    Function::UpdateCohorts,
    Function::AddMembers,
    Function::DeleteMembers,
];

impl Doctor {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let checks = self.call(&settings, context).await;
        Ok(print(&checks, &mut context.out))
    }

    async fn call(&self, settings: &Settings, context: &Context) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.site.is_none() {
            checks.extend(examine_machine());
            if let Some(mail) = &settings.mail {
                checks.extend(examine_mail(mail).await);
            }
        }
        for (name, site) in &settings.sites {
            if self.site.as_ref().is_some_and(|wanted| wanted != name.as_str()) {
                continue;
            }
            checks.extend(match site {
                Site::Elm(elm) => look_at_elm(elm, context).await,
                Site::Moodle(moodle) => look_at_moodle(moodle, settings, context).await,
                Site::Community(community) => look_at_community(community, settings, context).await,
            });
        }
        checks
    }
}

async fn look_at_elm(elm: &Elm, context: &Context) -> Vec<Check> {
    match setup::make_feed(elm) {
        Ok(client) => examine_elm(elm.name.as_str(), &client, &setup::make_format(elm), context.clock.now()).await,
        Err(error) => unusable(elm.name.as_str(), &error.to_string()),
    }
}

async fn look_at_moodle(site: &Moodle, settings: &Settings, context: &Context) -> Vec<Check> {
    let client = match setup::make_moodle(site) {
        Ok(client) => client,
        Err(error) => return unusable(site.name.as_str(), &error.to_string()),
    };
    let links = settings.links.values().filter(|link| link.ends().0 == &site.name || link.ends().1 == &site.name);
    let mut functions: BTreeSet<Function> = COMMON.into();
    let mut role: Option<RoleId> = None;
    let mut welcomes = false;
    let mut guilds = Vec::new();
    for link in links {
        match link {
            Link::Intake(link) => {
                functions.extend(INTAKE);
                role = Some(link.role);
                welcomes |= link.welcome.mode == WelcomeMode::Rollbook;
            }
            Link::Completions(_) => functions.extend(COMPLETIONS),
            Link::Guilds(link) => {
                functions.extend(guild_functions(link, site));
                guilds.push(guild_rights(link));
            }
        }
    }
    let functions: Vec<Function> = functions.into_iter().collect();
    let sentinel = match &site.sentinel {
        Some(word) => Sentinel::Named(word.clone()),
        None => Sentinel::Account(MoodleUserId(2)),
    };
    let input_vars = usize::try_from(site.input_vars).unwrap_or(usize::MAX);
    let patient = MoodlePatient {
        site: site.name.as_str(),
        client: &client,
        functions: &functions,
        sentinel,
        role,
        guilds: &guilds,
        input_vars,
        welcomes,
    };
    examine_moodle(&patient, &context.clock).await
}

/// What a guilds link calls, as its rules want it.
fn guild_functions(link: &Guilds, site: &Moodle) -> Vec<Function> {
    let gives_roles = link.roles_by == RolesBy::Rollbook && !link.roles.is_empty();
    let adopts = !link.adopt.is_empty() && site.database.is_none();
    let some = [
        (gives_roles, Function::AssignRoles),
        (gives_roles, Function::UnassignRoles),
        (adopts, Function::SearchCohorts),
        (link.gone == GoneGuild::Delete, Function::DeleteCohorts),
        (link.create_accounts, Function::CreateUsers),
    ];
    let some = some.into_iter().filter_map(|(wanted, function)| wanted.then_some(function));
    GUILDS.into_iter().chain(some).collect()
}

async fn look_at_community(site: &Community, settings: &Settings, context: &Context) -> Vec<Check> {
    let link = settings.guilds().map(|found| found.link).find(|link| link.from == site.name);
    let name_field = link.and_then(|link| link.machine_name_field.as_deref());
    let source = match make_community(site, name_field, &context.clock) {
        Ok(source) => source,
        Err(error) => return unusable(site.name.as_str(), &error.to_string()),
    };
    let patient = CommunityPatient {
        site: site.name.as_str(),
        source: &source,
        sentinel: site.sentinel.as_deref(),
        name_field,
        matches_mail: link.is_some_and(|link| link.match_by.contains(&MatchBy::Mail)),
    };
    examine_community(&patient, &context.clock).await
}

/// The machine itself: the time-zone database that is used, and whether the machine's own is older.
fn examine_machine() -> Vec<Check> {
    let mut chart = Chart::new("this machine");
    chart.good("time zones", format!("tzdata {}, compiled in", clock::zones_version()));
    chart.into_checks()
}

fn unusable(site: &str, why: &str) -> Vec<Check> {
    let mut chart = Chart::new(site);
    chart.bad("settings", why, "run `rollbook init --check` on the configuration");
    chart.into_checks()
}

fn print(checks: &[Check], out: &mut Output) -> Exit {
    let mut site = "";
    for check in checks {
        if check.site != site {
            site = &check.site;
            out.heading(site);
        }
        let sign = match check.health {
            Health::Good => Sign::Done,
            Health::Warning => Sign::Warning,
            Health::Bad => Sign::Failed,
        };
        out.sign(sign, format_args!("{}: {}", check.name, check.detail));
        if !check.mend.is_empty() {
            out.line(format_args!("    {}", check.mend));
        }
    }
    out.json(&json!({ "checks": checks }));
    let worst = checks.iter().map(|check| check.health).max();
    if worst == Some(Health::Bad) { Exit::Failed } else { Exit::Fine }
}
