//! What a community says of its guilds: over JSON:API or from its tables, the same snapshot either way.
//!
//! It never concludes anything from what is not there: it says what it saw, as whom, and what was withheld. Reading order:
//! `jsonapi`, `sql`, `assemble`.

mod ambiguous_matches;
mod assemble;
mod jsonapi;
mod queries;
mod selection;
mod sql;

pub use ambiguous_matches::AmbiguityQuery;
pub use jsonapi::{JsonApiCommunity, OpenJsonApi};
pub use selection::GroupSelection;
pub use sql::{OpenSql, SqlCommunity};

use crate::client::DrupalError;
use jiff::Timestamp;
use rollbook_core::model::{Community, CommunityPerson, CommunityUserId, Guild, GuildUuid};
use rollbook_core::snapshot::Snapshot;
use rollbook_remote::database::DatabaseError;
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
    /// Group's major version, 1, 2 or 3, where it can be told.
    pub group_version: Option<u8>,
    /// How the community is read, in words.
    pub way: &'static str,
    /// The account's UUID, where the community told it.
    pub account: Option<String>,
}

/// Why a community could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CommunityError {
    /// It could not be read over HTTP.
    #[error("the community could not be read")]
    Site(#[from] DrupalError),
    /// Its tables could not be read.
    #[error("the community's database could not be read")]
    Tables(#[from] DatabaseError),
    /// It has no tables of the Group module.
    #[error("the community's database has no tables of the Group module: is the table prefix right?")]
    NoGroupModule,
}

/// A community, read one way or the other.
#[derive(Clone, Debug)]
pub enum CommunitySource {
    /// Over HTTP.
    JsonApi(JsonApiCommunity),
    /// From its tables.
    Sql(SqlCommunity),
}

impl CommunitySource {
    /// Proves who we are there, and finds out which version of the module there is.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn open(&self) -> Result<OpenCommunity, CommunityError> {
        Ok(match self {
            Self::JsonApi(community) => OpenCommunity::JsonApi(community.open().await?),
            Self::Sql(community) => OpenCommunity::Sql(community.open().await?),
        })
    }

    /// What the server's clock said with its last answer; a database is not asked.
    pub fn server_time(&self) -> Option<Timestamp> {
        match self {
            Self::JsonApi(community) => community.server_time(),
            Self::Sql(_) => None,
        }
    }

    /// Requests that were made so far; none to tables.
    pub fn requests(&self) -> u64 {
        match self {
            Self::JsonApi(community) => community.requests(),
            Self::Sql(_) => 0,
        }
    }
}

/// A community that can be read now.
#[derive(Clone, Debug)]
pub enum OpenCommunity {
    /// Over HTTP.
    JsonApi(OpenJsonApi),
    /// From its tables.
    Sql(OpenSql),
}

impl OpenCommunity {
    /// The way in.
    pub fn access(&self) -> &Access {
        match self {
            Self::JsonApi(community) => &community.access,
            Self::Sql(community) => &community.access,
        }
    }

    /// Reads a part.
    ///
    /// # Errors
    /// [`CommunityError`]; nothing is known then.
    pub async fn collect(
        &self,
        question: &CommunityQuestion,
        now: Timestamp,
    ) -> Result<Snapshot<Community>, CommunityError> {
        match self {
            Self::JsonApi(community) => community.collect(question, now).await,
            Self::Sql(community) => community.collect(question, now).await,
        }
    }

    /// Every guild that can be seen, without members.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn list(&self) -> Result<Vec<Guild>, CommunityError> {
        match self {
            Self::JsonApi(community) => community.list().await,
            Self::Sql(community) => community.list().await,
        }
    }

    /// The people whom a word (number, user name, mail address) could mean.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn find_person(&self, word: &str) -> Result<Vec<CommunityPerson>, CommunityError> {
        match self {
            Self::JsonApi(community) => community.find_person(word).await,
            Self::Sql(community) => community.find_person(word).await,
        }
    }
}
