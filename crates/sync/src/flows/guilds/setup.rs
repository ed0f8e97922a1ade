//! Settings → a guilds link that is ready to run. Nothing is sent.

use super::GuildsFlow;
use crate::flows::doctor::GuildRights;
use crate::flows::setup::{FlowError, make_database, make_moodle};
use jiff::SignedDuration;
use rollbook_clock::Clock;
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunitySource, JsonApiCommunity, SqlCommunity};
use rollbook_core::model::{CategoryId, CohortContext, CohortVisibility, GuildRole, MachineName, RoleContext};
use rollbook_core::policy::{
    Adopt, ArchiveRule, CommunityKey, GuildLimits, GuildPolicy, MatchKey, MemberAccounts, NewMemberRule, Protected,
    RoleGiver, RoleRule, RolesBy,
};
use rollbook_settings::GuildsLink;
use rollbook_settings::link::{self, GoneGuild, GuildLimits as Limits, Guilds, MatchBy};
use rollbook_settings::site::{Auth, Community, GuildReader};
use std::time::Duration;

/// Without a sign of life for so long, a run's lease is anybody's.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// The guild role that every member has.
const EVERY_MEMBER: &str = "*";
/// The family name of an account made for somebody whose user name is one word; Moodle wants one.
const NO_LAST_NAME: &str = "-";

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
        community: make_community(community, link.machine_name_field.as_deref(), clock)?,
        community_url: community.url.to_string(),
        moodle: make_moodle(moodle)?,
        database: moodle.database.as_ref().map(make_database).transpose()?,
        concurrency: usize::try_from(moodle.concurrency).unwrap_or(1),
        policy: make_policy(link),
        community_sentinel: community.sentinel.clone(),
        moodle_sentinel: moodle.sentinel.clone(),
        lease: LEASE,
        limit: None,
    })
}

/// The way into a community; `name_field` is the field that holds machine names.
///
/// # Errors
/// [`FlowError`]
pub fn make_community(site: &Community, name_field: Option<&str>, clock: &Clock) -> Result<CommunitySource, FlowError> {
    match (site.reader, &site.database, &site.auth) {
        (GuildReader::Sql, Some(database), _) => {
            let tables = make_database(database)?;
            Ok(CommunitySource::Sql(SqlCommunity::new(tables, &site.group_type, name_field)))
        }
        (_, _, Some(auth)) => {
            let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
            let mut options = DrupalOptions::new(site.url.as_str(), to_auth(auth), clock.clone());
            options.site = site.name.to_string();
            options.timeout = site.timeout;
            options.concurrency = count(site.concurrency);
            options.pages_max = count(site.pages_max);
            let client = DrupalClient::new(options)?;
            Ok(CommunitySource::JsonApi(JsonApiCommunity::new(client, &site.group_type, name_field)))
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

/// The rules of a guilds link, in core's words.
fn make_policy(link: &Guilds) -> GuildPolicy {
    GuildPolicy {
        name_prefix: link.prefix.clone(),
        visibility: if link.visible { CohortVisibility::Visible } else { CohortVisibility::Hidden },
        context: match link.context {
            link::CohortContext::System => CohortContext::System,
            link::CohortContext::Category(id) => CohortContext::Category(CategoryId(id)),
        },
        match_by: link.match_by.iter().map(|way| to_key(*way)).collect(),
        accounts: if link.create_accounts {
            let (auth, last_name) = (link.auth.clone(), NO_LAST_NAME.to_owned());
            MemberAccounts::Create(NewMemberRule { auth, last_name })
        } else {
            MemberAccounts::Skip
        },
        roles_by: match link.roles_by {
            link::RolesBy::Rollbook => RolesBy::Rollbook,
            link::RolesBy::Moodle => RolesBy::Moodle,
        },
        roles: link.roles.iter().map(to_rule).collect(),
        archive: match link.gone {
            GoneGuild::Archive => ArchiveRule::Hide,
            GoneGuild::Keep => ArchiveRule::Keep,
            GoneGuild::Delete => ArchiveRule::Delete,
        },
        adopt: to_adopt(&link.adopt),
        protected: Protected::new(link.protected.iter().map(String::as_str), []),
        limits: to_limits(&link.limits),
        ..GuildPolicy::default()
    }
}

/// What a link does in its Moodle, for the doctor.
pub fn guild_rights(link: &Guilds) -> GuildRights {
    let policy = make_policy(link);
    let roles = match policy.roles_by {
        RolesBy::Rollbook => policy.roles.iter().map(|rule| (rule.role, rule.context)).collect(),
        RolesBy::Moodle => Vec::new(),
    };
    let left_to_moodle = (policy.roles_by == RolesBy::Moodle).then_some(policy.roles.len());
    GuildRights { context: policy.context, roles, creates_accounts: link.create_accounts, left_to_moodle }
}

fn to_key(way: MatchBy) -> MatchKey {
    match way {
        MatchBy::Mail => MatchKey::Mail,
        MatchBy::Username => MatchKey::Username,
        MatchBy::IdNumber => MatchKey::Idnumber(CommunityKey::Uuid),
    }
}

fn to_rule(rule: &link::RoleRule) -> RoleRule {
    let giver = if rule.guild == EVERY_MEMBER {
        RoleGiver::EveryMember
    } else {
        RoleGiver::Role(GuildRole::new(rule.guild.as_str()))
    };
    let context = match rule.context {
        link::RoleContext::System => RoleContext::System,
        link::RoleContext::Category(id) => RoleContext::Category(CategoryId(id)),
        link::RoleContext::Course(id) => RoleContext::Course(id),
    };
    RoleRule { giver, role: rule.moodle, context }
}

fn to_adopt(names: &[String]) -> Adopt {
    match names {
        [] => Adopt::Never,
        names if names.iter().any(|name| name == "*") => Adopt::Any,
        names => Adopt::Named(names.iter().map(|name| MachineName::new(name.as_str())).collect()),
    }
}

fn to_limits(limits: &Limits) -> GuildLimits {
    GuildLimits {
        removals: limits.removals.into(),
        removals_share: limits.removals_share,
        exempt_under: limits.exempt_under.into(),
        new_accounts: limits.new_accounts.into(),
        plan_age: signed(limits.plan_age),
        ..GuildLimits::default()
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
