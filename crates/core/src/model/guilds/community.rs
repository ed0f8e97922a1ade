//! What a community says of itself: its guilds, its people, and how much of both the reader could see.

use super::Guild;
use crate::model::{CommunityUserId, GuildUuid, Mail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a person stands in the community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// May log in.
    Active,
    /// May not.
    Blocked,
    /// There is such an account, but the reader may not see it. Drupal hides blocked people so from an account without
    /// `administer users`, and everybody from one without `access user profiles`.
    Hidden,
}

/// A community's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunityPerson {
    /// Its number.
    pub id: CommunityUserId,
    /// Its UUID.
    pub uuid: String,
    /// The user name, which the community keeps unique; empty where it is hidden.
    pub name: String,
    /// The mail address; neither unique nor always there.
    pub mail: Option<Mail>,
    /// Whether it counts.
    pub standing: PersonState,
}

/// Who the community took the reader for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "identity", rename_all = "snake_case")]
pub enum Identity {
    /// The account that it is configured to be.
    Proven {
        /// The account's UUID.
        uuid: String,
    },
    /// Nobody in particular: a wrong password, or the right one after too many wrong ones, still answers 200.
    Anonymous,
    /// The tables were read, so it does not matter.
    Database,
}

/// Whether the configured member, who must be seen, was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanaryAccount {
    /// None is configured.
    NotConfigured,
    /// Seen in a guild, with name and address.
    Seen,
    /// Not seen: absence means nothing.
    Unseen,
}

/// What became of a guild that was there before and is not in the list now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The community says that there is no such group.
    Deleted,
    /// The community says that there is one, and that the reader may not see it.
    Denied,
    /// Nothing was said.
    Unseen,
}

/// What a community said.
#[derive(Clone, Debug, PartialEq)]
pub struct Community {
    /// The guilds that were asked for.
    pub guilds: Vec<Guild>,
    /// Everybody who is in one of them.
    pub people: BTreeMap<CommunityUserId, CommunityPerson>,
    /// Guilds that were there before and are not in the list.
    pub missing: BTreeMap<GuildUuid, Absence>,
    /// Who was reading.
    pub identity: Identity,
    /// Whether the reader sees what it must see.
    pub sentinel: CanaryAccount,
}

impl Community {
    /// Whether somebody's absence from it may mean anything.
    pub fn sight_is_proven(&self) -> bool {
        self.identity != Identity::Anonymous && self.sentinel != CanaryAccount::Unseen
    }

    /// How a person counts. Somebody hidden counts as blocked once the sentinel shows that active people are not hidden.
    pub fn standing_of(&self, person: CommunityUserId) -> PersonState {
        match self.people.get(&person).map(|person| person.standing) {
            Some(PersonState::Active) => PersonState::Active,
            Some(PersonState::Blocked) => PersonState::Blocked,
            Some(PersonState::Hidden) | None => match self.sentinel {
                CanaryAccount::Seen => PersonState::Blocked,
                CanaryAccount::NotConfigured | CanaryAccount::Unseen => PersonState::Hidden,
            },
        }
    }

    /// The name to print for a person.
    pub fn name_of(&self, person: CommunityUserId) -> String {
        match self.people.get(&person) {
            Some(known) if !known.name.is_empty() => known.name.clone(),
            _ => format!("user {person}"),
        }
    }
}
