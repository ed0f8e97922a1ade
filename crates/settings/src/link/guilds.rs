//! `flow = "guilds"`: from a community's guilds to Moodle's cohorts, and which guild role means which Moodle role.

use super::schedule::{self, Push};
use super::{Context, Schedule};
use crate::kind::{Choice, Count, DurationIn, Flag, Kind, List, Name, Share, Text, signed};
use crate::section::Section;
use crate::site::SiteKind;
use crate::tree::Value;
use rollbook_core::model::{
    CategoryId, CohortContext, CohortVisibility, GuildRole, LinkName, MachineName, MoodleCourseId, RoleContext, RoleId,
    SiteName,
};
use rollbook_core::policy::{
    Adopt, ArchiveRule, CommunityKey, GuildLimits, GuildPolicy, MatchKey, MemberAccounts, NewMemberRule, Protected,
    RoleGiver, RoleRule, RolesBy,
};
use std::time::Duration;

/// A guilds link.
#[derive(Clone, Debug)]
pub struct Guilds {
    /// As on the command line.
    pub name: LinkName,
    /// The community.
    pub from: SiteName,
    /// The Moodle.
    pub to: SiteName,
    /// When a full sync runs.
    pub schedule: Schedule,
    /// The guild's field that holds its machine name; else the last part of its path, else a slug of its label.
    pub machine_name_field: Option<String>,
    /// How a machine name is made from `{type}` and `{name}`; the name alone when `None`.
    pub machine_name_rule: Option<String>,
    /// The rules.
    pub policy: GuildPolicy,
    /// How long an approval holds.
    pub approval: Duration,
    /// How pushed events are believed; `None` when none are taken.
    pub push: Option<Push>,
}

/// The family name of an account made for somebody whose user name is one word; Moodle wants one.
const NO_LAST_NAME: &str = "-";
/// Stands for every member, or for every cohort.
const ALL: &str = "*";

const MATCHES: Choice<MatchKey> = Choice(&[
    ("mail", MatchKey::Mail),
    ("username", MatchKey::Username),
    ("idnumber", MatchKey::Idnumber(CommunityKey::Uuid)),
]);
const GONE: Choice<ArchiveRule> =
    Choice(&[("archive", ArchiveRule::Hide), ("keep", ArchiveRule::Keep), ("delete", ArchiveRule::Delete)]);
const ROLES_BY: Choice<RolesBy> = Choice(&[("rollbook", RolesBy::Rollbook), ("moodle", RolesBy::Moodle)]);

pub(super) fn read(name: LinkName, context: &Context<'_>, section: &mut Section<'_>) -> Guilds {
    let from = context.site(section, "from", SiteKind::Community, |_| Ok(()));
    let to = context.site(section, "to", SiteKind::Moodle, |_| Ok(()));
    let schedule = schedule::read(section, context, "0 2 * * *");
    let name_prefix = section.or("prefix", "AVC - ", OptionalText(100));
    let machine_name_field = section.optional("machine_name_field", Name(64));
    let machine_name_rule = section.optional("machine_name_rule", NameRule);
    let match_by = section.or("match", ["mail", "username"], MatchList);
    let create_accounts = section.or("create_accounts", false, Flag);
    let auth = section.or("auth", "oauth2", Name(20));
    let cohort_context = section.or("context", "system", CohortContextKind);
    let visible = section.or("visible", true, Flag);
    let adopt = section.or("adopt", [], List(Text(100), 10_000));
    let archive = section.or("gone", "archive", GONE);
    let roles_by = section.or("roles_by", "rollbook", ROLES_BY);
    let roles = section.each("role", role_rule);
    let protected = section.or("protected", [], List(Text(254), 1_000));
    let (limits, approval) = section.defaults("limits", limits);
    let policy = GuildPolicy {
        name_prefix,
        visibility: if visible { CohortVisibility::Visible } else { CohortVisibility::Hidden },
        context: cohort_context,
        match_by,
        accounts: if create_accounts {
            MemberAccounts::Create(NewMemberRule { auth, last_name: NO_LAST_NAME.to_owned() })
        } else {
            MemberAccounts::Skip
        },
        roles_by,
        roles,
        archive,
        adopt: match adopt.as_slice() {
            [] => Adopt::Never,
            names if names.iter().any(|name| name == ALL) => Adopt::Any,
            names => Adopt::Named(names.iter().map(MachineName::new).collect()),
        },
        protected: Protected::new(protected.iter().map(String::as_str), []),
        limits,
        ..GuildPolicy::default()
    };
    let push = section.table("push", schedule::push);
    Guilds { name, from, to, schedule, machine_name_field, machine_name_rule, policy, approval, push }
}

fn limits(section: &mut Section<'_>) -> (GuildLimits, Duration) {
    let limits = GuildLimits {
        removals: section.or("removals", 50, Count(0, 1_000_000)).into(),
        removals_share: section.or("removals_share", 0.25, Share),
        exempt_under: section.or("exempt_under", 5, Count(0, 1_000)).into(),
        new_accounts: section.or("new_accounts", 100, Count(0, 1_000_000)).into(),
        plan_age: signed(section.or("plan_age", "10m", DurationIn("10s", "1d"))),
        ..GuildLimits::default()
    };
    (limits, section.or("approval", "24h", DurationIn("1m", "30d")))
}

/// One `[[link.NAME.role]]`: who has the guild role gets the Moodle role.
fn role_rule(section: &mut Section<'_>) -> Option<RoleRule> {
    let guild = section.required("guild", Text(64));
    let moodle = section.required("moodle", Count(1, 2_147_483_647));
    let context = section.or("context", "system", RoleContextKind);
    let guild = guild?;
    let giver = if guild == ALL { RoleGiver::EveryMember } else { RoleGiver::Role(GuildRole::new(guild)) };
    Some(RoleRule { giver, role: RoleId(moodle?.into()), context })
}

/// A text of at most `.0` characters that may be empty.
struct OptionalText(usize);

impl Kind for OptionalText {
    type Out = String;

    fn expects(&self) -> String {
        format!("a text of at most {} characters", self.0)
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        match value {
            Value::Text(text) if text.is_empty() => Ok(String::new()),
            other => Text(self.0).read(other),
        }
    }
}

/// A text with `{name}` in it.
struct NameRule;

impl Kind for NameRule {
    type Out = String;

    fn expects(&self) -> String {
        "a text with {name} and, if wanted, {type} in it, such as \"{type}-{name}\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        let text = Text(60).read(value)?;
        if text.contains("{name}") { Ok(text) } else { Err("there is no {name} in it".to_owned()) }
    }
}

/// At least one rule of matching.
struct MatchList;

impl Kind for MatchList {
    type Out = Vec<MatchKey>;

    fn expects(&self) -> String {
        format!("a list of at least one, each {}", MATCHES.expects())
    }

    fn read(&self, value: &Value) -> Result<Vec<MatchKey>, String> {
        let rules = List(MATCHES, 3).read(value)?;
        if rules.is_empty() { Err("this is empty".to_owned()) } else { Ok(rules) }
    }
}

/// `system`, `category:12` or `course:34`.
struct RoleContextKind;

impl Kind for RoleContextKind {
    type Out = RoleContext;

    fn expects(&self) -> String {
        "\"system\", \"category:ID\" or \"course:ID\", with Moodle's number".to_owned()
    }

    fn read(&self, value: &Value) -> Result<RoleContext, String> {
        let text = Text(40).read(value)?;
        let id = |text: &str| match text.parse::<u32>() {
            Ok(id) if id > 0 => Ok(i64::from(id)),
            _ => Err("there is no number after the colon".to_owned()),
        };
        match text.split_once(':') {
            None if text == "system" => Ok(RoleContext::System),
            Some(("category", number)) => id(number).map(|id| RoleContext::Category(CategoryId(id))),
            Some(("course", number)) => id(number).map(|id| RoleContext::Course(MoodleCourseId(id))),
            _ => Err("this is no context".to_owned()),
        }
    }
}

/// `system` or `category:12`.
struct CohortContextKind;

impl Kind for CohortContextKind {
    type Out = CohortContext;

    fn expects(&self) -> String {
        "\"system\" or \"category:ID\", with Moodle's number".to_owned()
    }

    fn read(&self, value: &Value) -> Result<CohortContext, String> {
        match RoleContextKind.read(value)? {
            RoleContext::System => Ok(CohortContext::System),
            RoleContext::Category(id) => Ok(CohortContext::Category(id)),
            RoleContext::Course(_) => Err("a course has no cohorts".to_owned()),
        }
    }
}
