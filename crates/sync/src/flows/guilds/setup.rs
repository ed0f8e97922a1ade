//! Settings → a guilds link that is ready to run. Nothing is sent.

use super::GuildsFlow;
use crate::flows::doctor::GuildRights;
use crate::flows::setup::{FlowError, make_database, make_moodle};
use jiff::SignedDuration;
use rollbook_clock::Clock;
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunitySource, GroupSelection, JsonApiCommunity, SqlCommunity};
use rollbook_core::policy::{MemberAccounts, RolesBy};
use rollbook_settings::GuildsLink;
use rollbook_settings::link::Guilds;
use rollbook_settings::site::{Auth, Community, GuildReader};

/// Without a sign of life for so long, a run's lease is anybody's.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Makes a guilds link ready.
///
/// # Errors
/// [`FlowError`]
pub fn make_guilds(found: &GuildsLink<'_>, clock: &Clock) -> Result<GuildsFlow, FlowError> {
    let GuildsLink { link, community, moodle } = found;
    Ok(GuildsFlow {
        link: link.name.clone(),
        from: community.name.clone(),
        to: moodle.name.clone(),
        community: make_community(community, Some(link), clock)?,
        community_url: community.url.to_string(),
        moodle: make_moodle(moodle)?,
        database: moodle.database.as_ref().map(make_database).transpose()?,
        concurrency: usize::try_from(moodle.concurrency).unwrap_or(1),
        policy: link.policy.clone(),
        community_sentinel: community.sentinel.clone(),
        moodle_sentinel: moodle.sentinel.clone(),
        lease: LEASE,
        limit: None,
    })
}

/// The way into a community, as a link reads it.
///
/// # Errors
/// [`FlowError`]
pub fn make_community(site: &Community, link: Option<&Guilds>, clock: &Clock) -> Result<CommunitySource, FlowError> {
    let selection = GroupSelection {
        types: site.group_types.clone(),
        include: site.include.clone(),
        exclude: site.exclude.clone(),
        name_field: link.and_then(|link| link.machine_name_field.clone()),
        name_rule: link.and_then(|link| link.machine_name_rule.clone()),
    };
    match (site.reader, &site.database, &site.auth) {
        (GuildReader::Sql, Some(database), _) => {
            let tables = make_database(database)?;
            Ok(CommunitySource::Sql(SqlCommunity::new(tables, selection, None)))
        }
        (_, _, Some(auth)) => {
            let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
            let mut options = DrupalOptions::new(site.url.as_str(), to_auth(auth), clock.clone());
            options.site = site.name.to_string();
            options.timeout = site.timeout;
            options.concurrency = count(site.concurrency);
            options.pages_max = count(site.pages_max);
            let client = DrupalClient::new(options)?;
            Ok(CommunitySource::JsonApi(JsonApiCommunity::new(client, selection, None)))
        }
        (_, _, None) => Err(FlowError::NoWayIn),
    }
}

fn to_auth(auth: &Auth) -> DrupalAuth {
    match auth {
        Auth::Basic { user, password } => DrupalAuth::Basic { user: user.clone(), password: password.clone() },
        Auth::OAuth2 { client_id, client_secret, scope } => DrupalAuth::OAuth2 {
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            scope: scope.clone(),
        },
    }
}

/// What a link does in its Moodle, for the doctor.
pub fn guild_rights(link: &Guilds) -> GuildRights {
    let policy = &link.policy;
    let roles = match policy.roles_by {
        RolesBy::Rollbook => policy.roles.iter().map(|rule| (rule.role, rule.context)).collect(),
        RolesBy::Moodle => Vec::new(),
    };
    let left_to_moodle = (policy.roles_by == RolesBy::Moodle).then_some(policy.roles.len());
    GuildRights {
        context: policy.context,
        roles,
        creates_accounts: matches!(policy.accounts, MemberAccounts::Create(_)),
        left_to_moodle,
    }
}
