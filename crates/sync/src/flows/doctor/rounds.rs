//! The doctor's rounds: every site of the configuration, or one, as its links need it.

use super::cohorts::guild_functions;
use super::community::look_at_community;
use super::{Chart, Check, MoodlePatient, examine_completions, examine_elm, examine_mail, examine_moodle};
use crate::flows::completions::make_completions;
use crate::flows::guilds::guild_rights;
use crate::flows::setup;
use rollbook_clock::Clock;
use rollbook_core::model::{MoodleUserId, RoleId, SiteName};
use rollbook_moodle::client::Function;
use rollbook_moodle::snapshot::CanaryAccount;
use rollbook_settings::Settings;
use rollbook_settings::link::{Link, WelcomeMode};
use rollbook_settings::site::{Elm, Moodle, Site};
use std::collections::BTreeSet;

/// What every link to a Moodle calls.
const COMMON: [Function; 2] = [Function::SiteInfo, Function::UsersByField];
const INTAKE: [Function; 5] =
    [Function::CoursesByField, Function::EnrolledUsers, Function::UsersCourses, Function::CreateUsers, Function::Enrol];
const COMPLETIONS: [Function; 3] = [Function::CoursesByField, Function::UsersCourses, Function::CompletionStatus];

/// Examines every site, the mail server and this machine; or one site only. Nothing is changed anywhere.
pub async fn examine(settings: &Settings, only: Option<&SiteName>, clock: &Clock) -> Vec<Check> {
    let mut checks = Vec::new();
    if only.is_none() {
        checks.extend(examine_machine());
        if let Some(mail) = &settings.mail {
            checks.extend(examine_mail(mail).await);
        }
    }
    for (name, site) in &settings.sites {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        checks.extend(match site {
            Site::Elm(elm) => look_at_elm(elm, clock).await,
            Site::Moodle(moodle) => look_at_moodle(moodle, settings, clock).await,
            Site::Community(community) => look_at_community(community, settings, clock).await,
        });
    }
    for found in settings.completions() {
        if only.is_none_or(|only| *only == found.moodle.name || *only == found.elm.name) {
            checks.extend(match make_completions(&found, settings) {
                Ok(flow) => examine_completions(&flow, clock).await,
                Err(error) => unusable(found.link.name.as_str(), &error.to_string()),
            });
        }
    }
    checks
}

async fn look_at_elm(elm: &Elm, clock: &Clock) -> Vec<Check> {
    match setup::make_feed(elm) {
        Ok(client) => examine_elm(elm.name.as_str(), &client, &setup::make_format(elm), clock.now()).await,
        Err(error) => unusable(elm.name.as_str(), &error.to_string()),
    }
}

async fn look_at_moodle(site: &Moodle, settings: &Settings, clock: &Clock) -> Vec<Check> {
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
                role = Some(link.policy.role);
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
        Some(word) => CanaryAccount::Named(word.clone()),
        None => CanaryAccount::Account(MoodleUserId(2)),
    };
    let input_vars = usize::try_from(site.input_vars).unwrap_or(usize::MAX);
    let database = match site.database.as_ref().map(setup::make_database).transpose() {
        Ok(database) => database,
        Err(error) => return unusable(site.name.as_str(), &error.to_string()),
    };
    let patient = MoodlePatient {
        site: site.name.as_str(),
        client: &client,
        functions: &functions,
        sentinel,
        role,
        guilds: &guilds,
        database: database.as_ref(),
        input_vars,
        welcomes,
    };
    examine_moodle(&patient, clock).await
}

/// The machine itself: the time-zone database that is used, and whether the machine's own is older.
fn examine_machine() -> Vec<Check> {
    let mut chart = Chart::new("this machine");
    chart.good("time zones", format!("tzdata {}, compiled in", rollbook_clock::zones_version()));
    chart.into_checks()
}

pub(super) fn unusable(site: &str, why: &str) -> Vec<Check> {
    let mut chart = Chart::new(site);
    chart.bad("settings", why, "run `rollbook init --check` on the configuration");
    chart.into_checks()
}
