//! What Rollbook made, or was told to take over: the only things that it may remove.

use super::Assignment;
use crate::model::{CohortId, CommunityUserId, GuildUuid, MachineName, MoodleUserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairState {
    /// The guild is there.
    Live,
    /// The guild is gone and the cohort was retired.
    Archived,
}

/// A guild and its cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildPair {
    /// The cohort.
    pub cohort: CohortId,
    /// The guild's machine name when it was last seen.
    pub machine_name: MachineName,
    /// The guild's label when it was last seen.
    pub label: String,
    /// How it stands.
    pub state: PairState,
}

/// What Rollbook owns on one link. For whom it was made is kept beside it, where that is known: it tells somebody who left
/// from somebody whose address changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Guilds and their cohorts.
    pub pairs: BTreeMap<GuildUuid, GuildPair>,
    /// Memberships, by cohort.
    pub members: BTreeMap<CohortId, BTreeMap<MoodleUserId, Option<CommunityUserId>>>,
    /// Role assignments, each with the guilds that want it.
    pub assignments: BTreeMap<Assignment, BTreeMap<GuildUuid, Option<CommunityUserId>>>,
}

impl Owned {
    /// How many memberships of a cohort are owned.
    pub fn members_of(&self, cohort: CohortId) -> u64 {
        self.members.get(&cohort).map_or(0, |members| members.len() as u64)
    }
}
