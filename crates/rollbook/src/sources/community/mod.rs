//! What a community says of its guilds: over JSON:API or from its tables, the same snapshot either way.
//!
//! It never concludes anything from what is not there: it says what it saw, as whom, and what was withheld. Reading order:
//! [`jsonapi`], [`sql`], `assemble`.

mod assemble;
mod queries;
mod sql;

pub use sql::SqlCommunity;

use crate::sources::database::DatabaseError;
use rollbook_core::model::{CommunityPerson, CommunityUserId, Guild, GuildUuid};
use std::collections::BTreeSet;

/// How much of a community is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All guilds with all members.
    All,
    /// One guild with its members.
    Guild(GuildUuid),
    /// One person's memberships. The guilds that are listed too are shown even where the person is not in them.
    Person {
        /// Who.
        person: CommunityUserId,
        /// Guilds that Rollbook owns something in for that person.
        guilds: BTreeSet<GuildUuid>,
    },
}

/// What is asked of a community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityQuestion {
    /// How much.
    pub part: Part,
    /// Guilds that were there before: of each one that is not in the answer it is found out what became of it.
    pub known: BTreeSet<GuildUuid>,
    /// The member (number, user name or mail address) who must be seen in some guild.
    pub sentinel: Option<String>,
}

/// The way in: which module, which version, as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Group's major version: 1, 2 or 3.
    pub group_version: u8,
    /// How the community is read, in words.
    pub way: &'static str,
    /// The account's UUID, where the community told it.
    pub account: Option<String>,
}

/// Guilds with the people that they have, without their members' order meaning anything.
pub type GuildList = Vec<Guild>;

/// The people that a word could mean.
pub type People = Vec<CommunityPerson>;

/// Why a community could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CommunityError {
    /// Its tables could not be read.
    #[error("the community's database could not be read")]
    Tables(#[from] DatabaseError),
    /// It has no tables of the Group module.
    #[error("the community's database has no tables of the Group module: is the table prefix right?")]
    NoGroupModule,
}
