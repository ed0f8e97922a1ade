//! A community: is it reached, who are we there, which Group module is it, what does it show us, is the sentinel seen.
//!
//! Drupal leaves out what an account may not see and says nothing: so what is seen is held against what a link needs. At
//! most a few guilds are read, however many there are.

use super::rounds::unusable;
use super::{Chart, Check};
use crate::flows::guilds::make_community;
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_community::client::DrupalError;
use rollbook_community::snapshot::{CommunityError, CommunityQuestion, CommunitySource, OpenCommunity, Part};
use rollbook_core::model::{
    CanaryAccount, Community, Guild, GuildStatus, PersonState, counted_as, folded_machine_name, machine_name,
};
use rollbook_core::policy::MatchKey;
use rollbook_core::snapshot::Snapshot;
use rollbook_settings::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// So many guilds are read until one with members is found.
const GUILDS_READ_MAX: usize = 10;

/// What a link asks of a community.
pub struct CommunityPatient<'a> {
    /// The site as configured.
    pub site: &'a str,
    /// The way in.
    pub source: &'a CommunitySource,
    /// The member who must be seen.
    pub sentinel: Option<&'a str>,
    /// The field that should hold machine names.
    pub name_field: Option<&'a str>,
    /// Whether members are matched by mail address.
    pub matches_mail: bool,
}

/// Examines a configured community as its first link reads it.
pub(super) async fn look_at_community(
    site: &rollbook_settings::site::Community,
    settings: &Settings,
    clock: &Clock,
) -> Vec<Check> {
    let link = settings.guilds().map(|found| found.link).find(|link| link.from == site.name);
    let name_field = link.and_then(|link| link.machine_name_field.as_deref());
    let source = match make_community(site, link, clock) {
        Ok(source) => source,
        Err(error) => return unusable(site.name.as_str(), &error.to_string()),
    };
    let patient = CommunityPatient {
        site: site.name.as_str(),
        source: &source,
        sentinel: site.sentinel.as_deref(),
        name_field,
        matches_mail: link.is_some_and(|link| link.policy.match_by.contains(&MatchKey::Mail)),
    };
    examine_community(&patient, clock).await
}

/// Examines a community.
pub async fn examine_community(patient: &CommunityPatient<'_>, clock: &Clock) -> Vec<Check> {
    let mut chart = Chart::new(patient.site);
    match patient.source.open().await {
        Err(error) => chart.bad("access", words(&error), mend(&error)),
        Ok(open) => {
            let now = clock.now();
            look_at_access(&mut chart, patient, &open, now);
            match open.list().await {
                Err(error) => chart.bad("guilds", words(&error), mend(&error)),
                Ok(guilds) if guilds.is_empty() => {
                    let mend = "give the account \"view group\" in the scopes outsider and insider; and look whether \
                                group_type is right";
                    chart.bad("guilds", "none is seen", mend);
                }
                Ok(guilds) => {
                    look_at_names(&mut chart, patient, &guilds);
                    look_at_members(&mut chart, patient, &open, &guilds, now).await;
                }
            }
        }
    }
    chart.into_checks()
}

fn look_at_access(chart: &mut Chart, patient: &CommunityPatient<'_>, open: &OpenCommunity, now: Timestamp) {
    let access = open.access();
    let account = access.account.as_deref().map(|uuid| format!(", as {uuid}")).unwrap_or_default();
    chart.good("access", format!("answers over {}{account}", access.way));
    let version = access.group_version.map_or_else(|| "1 or 2".to_owned(), |version| version.to_string());
    chart.good("module", format!("Group {version}"));
    if let CommunitySource::JsonApi(_) = patient.source {
        chart.clock(patient.source.server_time(), now);
    }
}

fn look_at_names(chart: &mut Chart, patient: &CommunityPatient<'_>, guilds: &[Guild]) {
    let unpublished = guilds.iter().filter(|guild| guild.status == GuildStatus::Unpublished).count();
    chart.good("guilds", format!("{} are seen, {unpublished} of them unpublished", guilds.len()));
    let mut by_name = BTreeMap::<String, usize>::new();
    for guild in guilds {
        *by_name.entry(folded_machine_name(machine_name(guild).as_str())).or_default() += 1;
    }
    let double: Vec<_> = by_name.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
    if !double.is_empty() {
        let detail = format!("several guilds are called {}", double.join(", "));
        chart.warn(
            "machine names",
            detail,
            "give each a machine name of its own: meanwhile none gets a cohort, but one that has it already",
        );
    }
    if let (Some(field), false) = (patient.name_field, guilds.iter().any(|guild| guild.hints.field.is_some())) {
        let mend = "check machine_name_field of the link, and that the account may see the field";
        chart.warn("machine names", format!("no guild has anything in the field {field}"), mend);
    }
}

async fn look_at_members(
    chart: &mut Chart,
    patient: &CommunityPatient<'_>,
    open: &OpenCommunity,
    guilds: &[Guild],
    now: Timestamp,
) {
    let mut sentinel = CanaryAccount::NotConfigured;
    for guild in guilds.iter().take(GUILDS_READ_MAX) {
        let (part, known) = (Part::Guild(guild.uuid.clone()), BTreeSet::new());
        let question = CommunityQuestion { part, known, sentinel: patient.sentinel.map(str::to_owned) };
        match open.collect(&question, now).await {
            Err(error) => return chart.bad("members", words(&error), mend(&error)),
            Ok(seen) => {
                sentinel = seen.value.sentinel;
                if !seen.value.people.is_empty() {
                    look_at_people(chart, patient, guild, &seen);
                    return look_at_sentinel(chart, sentinel);
                }
            }
        }
    }
    let mend = "give the account \"view group_membership relationship\" (Group 1: \"… content\") in the scopes outsider and insider";
    chart.bad("members", format!("none is seen in the first {} guilds", guilds.len().min(GUILDS_READ_MAX)), mend);
    look_at_sentinel(chart, sentinel);
}

fn look_at_people(chart: &mut Chart, patient: &CommunityPatient<'_>, guild: &Guild, seen: &Snapshot<Community>) {
    let people = &seen.value.people;
    let count = |state| people.values().filter(|person| person.state == state).count();
    let (active, hidden) = (count(PersonState::Active), count(PersonState::Hidden));
    chart.good("members", format!("{} seen in guild {}", counted_as(people.len(), "is", "are"), machine_name(guild)));
    for gap in &seen.gaps {
        chart.bad("completeness", gap.to_string(), "nobody is removed on such an answer: ask the community's keeper");
    }
    if active == 0 {
        chart.bad("names", "nobody's name is seen", "give the account \"access user profiles\"");
    } else if hidden > 0 {
        let detail = format!(
            "{} blocked",
            counted_as(
                hidden,
                "member is shown without a name, and counts as",
                "members are shown without a name, and count as"
            )
        );
        chart.warn("names", detail, "give the account \"administer users\" to see who is blocked");
    } else {
        chart.good("names", "every member's name is seen");
    }
    let with_mail = people.values().filter(|person| person.mail.is_some()).count();
    if patient.matches_mail && with_mail == 0 {
        let mend = "give the account \"view user email addresses\", or leave \"mail\" out of the link's match";
        chart.bad("mail addresses", "none is seen, and members are matched by them", mend);
    }
}

fn look_at_sentinel(chart: &mut Chart, sentinel: CanaryAccount) {
    match sentinel {
        CanaryAccount::Seen => chart.good("sentinel", "is seen in a guild"),
        CanaryAccount::Unseen => {
            let mend = "name another member under sentinel, or give the account its preflight back";
            chart.bad("sentinel", "is seen in no guild: no run will change anything", mend);
        }
        CanaryAccount::NotConfigured => {
            let mend = "name a member who stays under sentinel: without one, nothing but the limits guards against a lost permission";
            chart.warn("sentinel", "none is configured", mend);
        }
    }
}

fn words(error: &CommunityError) -> String {
    match error {
        CommunityError::Site(error) => error.to_string(),
        CommunityError::Tables(error) => error.to_string(),
        CommunityError::NoGroupModule => error.to_string(),
    }
}

fn mend(error: &CommunityError) -> &'static str {
    match error {
        CommunityError::Site(DrupalError::Anonymous) => {
            "check [auth]; after five wrong attempts Drupal refuses the right password for six hours: clear its flood table"
        }
        CommunityError::Site(DrupalError::Denied { .. }) => {
            "check [auth]: client_id, client_secret and scope; the account must not be blocked"
        }
        CommunityError::Site(DrupalError::NoGroupModule { .. }) => "check group_type, and that the module Group is on",
        CommunityError::Site(DrupalError::Misaddressed { .. } | DrupalError::NotFound) => {
            "check url, and that the module JSON:API is on"
        }
        CommunityError::Site(DrupalError::Maintenance { .. }) => "wait until the maintenance is over",
        CommunityError::Site(_) => "check url, and that this machine may reach it; then the web server's log",
        CommunityError::Tables(_) => "check [database]: address, account, SELECT on the tables",
        CommunityError::NoGroupModule => "check prefix under [database]",
    }
}
