//! `flow = "guilds"`: from a community's guilds to Moodle's cohorts.
//!
//! Next: [`super::roles`], which role means which.

use super::push::{self, Push};
use super::roles::{self, CohortContext, CohortPlace, RoleRule, RolesBy};
use super::{Around, Schedule, schedule};
use crate::kind::{Choice, Count, Flag, Kind, Lasting, List, Name, Share, Text};
use crate::read::Section;
use crate::site::SiteKind;
use crate::tree::Value;
use rollbook_core::model::{LinkName, SiteName};
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
    /// What a cohort's name begins with; may be empty.
    pub prefix: String,
    /// The guild's field that holds its machine name; else the last part of its path, else a slug of its label.
    pub machine_name_field: Option<String>,
    /// How a member finds an account, first rule first; never empty.
    pub match_by: Vec<MatchBy>,
    /// Whether a member without account gets one.
    pub create_accounts: bool,
    /// Moodle's authentication method of a new account.
    pub auth: String,
    /// Where cohorts live.
    pub context: CohortContext,
    /// Whether a new cohort is visible.
    pub visible: bool,
    /// Machine names whose existing cohorts are taken over.
    pub adopt: Vec<String>,
    /// What becomes of a cohort whose guild is gone.
    pub gone: GoneGuild,
    /// Who assigns the roles.
    pub roles_by: RolesBy,
    /// Which role means which.
    pub roles: Vec<RoleRule>,
    /// People who are never removed: user names, mail addresses or GUIDs.
    pub protected: Vec<String>,
    /// What a run may do without being asked.
    pub limits: GuildLimits,
    /// How pushed events are believed; `None` when none are taken.
    pub push: Option<Push>,
}

/// How a member finds an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchBy {
    /// Equal mail addresses.
    Mail,
    /// Equal user names.
    Username,
    /// The account's `idnumber` is the member's UUID.
    IdNumber,
}

/// What becomes of a cohort whose guild is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneGuild {
    /// Hidden, emptied, its name marked.
    Archive,
    /// Left as it is.
    Keep,
    /// Deleted.
    Delete,
}

/// What a guilds run may do without being asked.
#[derive(Clone, Debug, PartialEq)]
pub struct GuildLimits {
    /// At most so many removals.
    pub removals: u32,
    /// At most this share of what Rollbook owns, in each guild and in all, 0 to 1.
    pub removals_share: f64,
    /// The share does not count for a guild with fewer members.
    pub exempt_under: u32,
    /// At most so many new accounts.
    pub new_accounts: u32,
    /// A plan older than this is made again.
    pub plan_age: Duration,
    /// An approval holds so long.
    pub approval: Duration,
}

const MATCHES: Choice<MatchBy> =
    Choice(&[("mail", MatchBy::Mail), ("username", MatchBy::Username), ("idnumber", MatchBy::IdNumber)]);
const GONE: Choice<GoneGuild> =
    Choice(&[("archive", GoneGuild::Archive), ("keep", GoneGuild::Keep), ("delete", GoneGuild::Delete)]);

pub(super) fn read(name: LinkName, around: &Around<'_>, section: &mut Section<'_>) -> Guilds {
    let from = around.site(section, "from", SiteKind::Community, |_| Ok(()));
    let to = around.site(section, "to", SiteKind::Moodle, |_| Ok(()));
    let schedule = schedule::read(section, around, "0 2 * * *");
    Guilds {
        name,
        from,
        to,
        schedule,
        prefix: section.or("prefix", "AVC - ", Prefix),
        machine_name_field: section.optional("machine_name_field", Name(64)),
        match_by: section.or("match", ["mail", "username"], SomeMatch),
        create_accounts: section.or("create_accounts", false, Flag),
        auth: section.or("auth", "oauth2", Name(20)),
        context: section.or("context", "system", CohortPlace),
        visible: section.or("visible", true, Flag),
        adopt: section.or("adopt", [], List(Text(100), 10_000)),
        gone: section.or("gone", "archive", GONE),
        roles_by: section.or("roles_by", "rollbook", roles::BY),
        roles: section.each("role", roles::read),
        protected: section.or("protected", [], List(Text(254), 1_000)),
        limits: section.defaults("limits", limits),
        push: section.table("push", push::read),
    }
}

fn limits(section: &mut Section<'_>) -> GuildLimits {
    GuildLimits {
        removals: section.or("removals", 50, Count(0, 1_000_000)),
        removals_share: section.or("removals_share", 0.25, Share),
        exempt_under: section.or("exempt_under", 5, Count(0, 1_000)),
        new_accounts: section.or("new_accounts", 100, Count(0, 1_000_000)),
        plan_age: section.or("plan_age", "10m", Lasting("10s", "1d")),
        approval: section.or("approval", "24h", Lasting("1m", "30d")),
    }
}

/// A text that may be empty.
struct Prefix;

impl Kind for Prefix {
    type Out = String;

    fn wants(&self) -> String {
        "a text of at most 100 characters".to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        match value {
            Value::Text(text) if text.is_empty() => Ok(String::new()),
            other => Text(100).read(other),
        }
    }
}

/// At least one rule of matching.
struct SomeMatch;

impl Kind for SomeMatch {
    type Out = Vec<MatchBy>;

    fn wants(&self) -> String {
        format!("a list of at least one, each {}", MATCHES.wants())
    }

    fn read(&self, value: &Value) -> Result<Vec<MatchBy>, String> {
        let rules = List(MATCHES, 3).read(value)?;
        if rules.is_empty() { Err("this is empty".to_owned()) } else { Ok(rules) }
    }
}
