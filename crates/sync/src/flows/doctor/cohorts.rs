//! A Moodle that guilds go to: may the token make cohorts where a link wants them, and give the roles of its rules.

use super::Chart;
use super::moodle::mend;
use rollbook_core::model::{CohortContext, RoleContext, RoleId};
use rollbook_core::policy::{Adopt, ArchiveRule, MemberAccounts, RolesBy};
use rollbook_moodle::client::{Function, MoodleError, MoodleReader};
use rollbook_settings::link::Guilds;
use rollbook_settings::site::Moodle;
use std::collections::BTreeSet;

/// What a link with guilds does in a Moodle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildRights {
    /// Where cohorts live.
    pub context: CohortContext,
    /// The roles that are given, and where.
    pub roles: Vec<(RoleId, RoleContext)>,
    /// Whether a member without account gets one.
    pub creates_accounts: bool,
    /// Where roles are left to Moodle's plugin: how many rules the link has all the same.
    pub left_to_moodle: Option<usize>,
}

/// What every guilds link calls.
const GUILDS: [Function; 6] = [
    Function::Cohorts,
    Function::CohortMembers,
    Function::CreateCohorts,
    Function::UpdateCohorts,
    Function::AddMembers,
    Function::DeleteMembers,
];

/// What a guilds link calls, as its rules want it.
pub(super) fn guild_functions(link: &Guilds, site: &Moodle) -> Vec<Function> {
    let policy = &link.policy;
    let gives_roles = policy.roles_by == RolesBy::Rollbook && !policy.roles.is_empty();
    let adopts = policy.adopt != Adopt::Never && site.database.is_none();
    let some = [
        (gives_roles, Function::AssignRoles),
        (gives_roles, Function::UnassignRoles),
        (adopts, Function::SearchCohorts),
        (policy.archive == ArchiveRule::Delete, Function::DeleteCohorts),
        (matches!(policy.accounts, MemberAccounts::Create(_)), Function::CreateUsers),
    ];
    let some = some.into_iter().filter_map(|(wanted, function)| wanted.then_some(function));
    GUILDS.into_iter().chain(some).collect()
}

pub(super) async fn look_at_guilds(chart: &mut Chart, reader: &MoodleReader, links: &[GuildRights]) {
    for context in links.iter().map(|link| link.context).collect::<BTreeSet<_>>() {
        let place = match context {
            CohortContext::System => "the whole site".to_owned(),
            CohortContext::Category(id) => format!("category {id}"),
        };
        match reader.probe_create_cohort(context).await {
            None => chart.good("may manage cohorts", format!("moodle/cohort:manage in {place}")),
            Some(error) => chart.bad("may manage cohorts", in_place(&error, &place), mend_cohorts(&error)),
        }
    }
    for (role, context) in links.iter().flat_map(|link| &link.roles).copied().collect::<BTreeSet<_>>() {
        match reader.probe_assign_role(role, context).await {
            None => chart.good("may give roles", format!("role {role} in {context}")),
            Some(error) => {
                let detail = in_place(&error, &format!("role {role} in {context}"));
                chart.bad("may give roles", detail, mend_roles(&error));
            }
        }
    }
}

fn in_place(error: &MoodleError, place: &str) -> String {
    format!("{place}: {error}")
}

fn mend_cohorts(error: &MoodleError) -> &'static str {
    match error.code() {
        Some("nopermissions") => "give the service role moodle/cohort:manage",
        Some("invalidparameter") => "there is no such category: check `context` of the link",
        _ => mend(error),
    }
}

fn mend_roles(error: &MoodleError) -> &'static str {
    match error.code() {
        Some("nopermissions") => "give the service role moodle/role:assign",
        Some("invalidparameter") => {
            "allow the service role to assign that role (Define roles, Allow role assignments), and that role to be given there"
        }
        Some("requireloginerror" | "errorcoursecontextnotvalid") => "give the service role moodle/course:view",
        _ => mend(error),
    }
}
