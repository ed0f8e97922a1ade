//! The plan of the guilds flow: a community's guilds, Moodle's cohorts, and what Rollbook owns → changes and skips.
//!
//! Additions stand before removals, so that nobody is out of everything for a moment. Only what Rollbook owns is taken
//! away, and nothing while anything speaks against trusting an absence. Each change and each skip carries its reason.

mod change;
mod cohorts;
mod draft;
mod members;
mod planner;
mod roles;

pub use change::{CohortForm, CohortWhy, GuildChange, MemberChange, MemberRef, MemberWhy, Retire, RoleChange, RoleWhy};
pub use planner::{accounts_to_look_up, plan_guilds};

use super::{Digest, digest};
use crate::matching::Directory;
use crate::model::{
    CohortId, CohortSide, Community, CommunityUserId, GroupId, GuildUuid, LinkName, MachineName, MoodleUserId, Owned,
};
use crate::snapshot::Snapshot;
use crate::verdict::{RemovalBlock, SkipReason};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How much of a community a plan is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "scope", content = "id", rename_all = "snake_case")]
pub enum Scope {
    All,
    Guild(GuildUuid),
    /// One person; only that person is added and removed.
    Person(CommunityUserId),
}

/// Everything that a plan of guilds is made from.
#[derive(Clone, Copy, Debug)]
pub struct GuildInputs<'a> {
    pub link: &'a LinkName,
    /// How much it is about.
    pub scope: &'a Scope,
    pub community: &'a Snapshot<Community>,
    /// What Moodle said of cohorts and roles.
    pub moodle: &'a Snapshot<CohortSide>,
    /// The accounts that were looked up.
    pub directory: &'a Directory,
    pub owned: &'a Owned,
}

/// Something that is left as it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GuildSkip {
    /// The guild, where it is about one.
    pub guild: Option<GuildUuid>,
    /// The person, where it is about one who is known.
    pub person: Option<CommunityUserId>,
    pub name: Box<str>,
    pub reason: SkipReason,
}

/// A member who is where they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InSync {
    pub person: CommunityUserId,
    pub user: MoodleUserId,
}

/// One guild of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildLine {
    pub guild: GuildUuid,
    /// Its number, where it was seen.
    pub number: Option<GroupId>,
    pub machine_name: MachineName,
    pub label: String,
    /// Its cohort, where it exists.
    pub cohort: Option<CohortId>,
    /// The cohort's name, as it is or will be.
    pub cohort_name: String,
    /// Its members, as far as the plan looks.
    pub members: u64,
    /// Those who are in the cohort already.
    pub unchanged: u64,
    /// They; kept for printing, not stored.
    #[serde(skip)]
    pub in_sync: Vec<InSync>,
}

/// What one run of guilds would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildPlan {
    pub link: LinkName,
    /// How much it is about.
    pub scope: Scope,
    /// When it was made; the digest does not cover it.
    pub made_at: Timestamp,
    /// Why nothing is taken away, where that is so.
    pub holds: Vec<RemovalBlock>,
    /// Accounts, cohorts, memberships and roles to add; then roles, memberships and cohorts to take away.
    pub changes: Vec<GuildChange>,
    /// What is left alone, by guild and person.
    pub skips: Vec<GuildSkip>,
    /// The guilds, by UUID.
    pub guilds: Vec<GuildLine>,
    /// How many people the guilds have, each once.
    pub people: u64,
}

impl GuildPlan {
    /// What an approval is bound to.
    pub fn digest(&self) -> Digest {
        digest(self.link.as_str(), &self.changes)
    }
}
