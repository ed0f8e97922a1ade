//! A guild: one group of a community, with its members.

use crate::model::{CommunityUserId, GroupId, GuildRole, GuildUuid};
use serde::{Deserialize, Serialize};

/// Whether the community shows a guild to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuildStatus {
    /// It is shown; also where the community knows no such thing (Group 1).
    Published,
    /// It is not.
    Unpublished,
}

/// What a guild's machine name can be made from besides its label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameHints {
    /// The value of the configured field.
    pub field: Option<String>,
    /// The path alias, such as `/guilds/web-dev`.
    pub alias: Option<String>,
}

/// One person's membership of one guild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildMember {
    /// Who.
    pub person: CommunityUserId,
    /// The roles that are stored with the membership; roles that every member has are not.
    pub roles: Vec<GuildRole>,
}

/// One group of a community.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guild {
    /// What keeps guild and cohort together.
    pub uuid: GuildUuid,
    /// Its number on the site.
    pub number: GroupId,
    /// What people call it; neither unique nor lasting.
    pub label: String,
    /// Whether it is shown.
    pub status: GuildStatus,
    /// Where its machine name may come from.
    pub hints: NameHints,
    /// Its members, or the one member that was asked for.
    pub members: Vec<GuildMember>,
}
