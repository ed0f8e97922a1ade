//! Why a guild's plan changes something, in the words that people read beside the change.

use crate::model::{CohortId, GuildRole, GuildUuid, MoodleUserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a cohort changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum CohortWhy {
    /// The guild has no cohort yet.
    GuildIsNew,
    /// The cohort that was made for it is no longer in Moodle.
    CohortVanished {
        /// Its id.
        was: CohortId,
    },
    /// A cohort with its idnumber exists, and may be taken over.
    MayBeAdopted,
    /// A retired cohort with its idnumber exists.
    TakenUpAgain {
        /// The guild that had it.
        was: GuildUuid,
    },
    /// The guild has another label or machine name.
    Renamed {
        /// The cohort's name until now.
        from: String,
    },
    /// The cohort is listed and should not be, or the other way round.
    VisibilityDiffers,
    /// The guild was gone, and is there again.
    GuildReturned,
    /// The community has deleted the guild.
    GuildGone,
    /// The guild is no longer published.
    GuildUnpublished,
}

/// Why a membership changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum MemberWhy {
    /// They are in the guild and were not in the cohort.
    Joined,
    /// They are in the guild and were in the cohort; somebody removed them in Moodle.
    RemovedInMoodle,
    /// They were in the guild, and are not now.
    Left,
    /// They are in the guild, but the community has blocked them.
    Blocked,
    /// Their Moodle account is another one now.
    OtherAccount {
        /// That one.
        account: MoodleUserId,
    },
    /// They came with a cohort that was taken over, and are not in the guild.
    NeverMember,
    /// The guild is gone.
    GuildGone,
    /// The guild is no longer published.
    GuildUnpublished,
    /// The Moodle account is gone.
    AccountGone,
    /// They are no longer in the cohort anyway.
    GoneAlready,
    /// The membership counts for another person of the community now.
    OtherPerson,
}

/// Why a role assignment changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum RoleWhy {
    /// The mapping gives it to every member.
    Member,
    /// The mapping gives it for this role in the guild.
    Given {
        /// The role in the guild.
        role: GuildRole,
    },
    /// Nothing in the guild gives it any more.
    NoLongerGiven,
    /// The person left the guild, or counts as absent.
    Left,
    /// The guild is gone or no longer published.
    GuildGone,
    /// It is no longer there anyway.
    GoneAlready,
}

impl fmt::Display for CohortWhy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GuildIsNew => out.write_str("Guild has no cohort yet"),
            Self::CohortVanished { was } => write!(out, "Cohort {was} is no longer in Moodle"),
            Self::MayBeAdopted => out.write_str("Cohort exists and may be adopted"),
            Self::TakenUpAgain { was: _ } => out.write_str("Archived cohort is taken up again"),
            Self::Renamed { from } => write!(out, "Was named \"{from}\""),
            Self::VisibilityDiffers => out.write_str("Visibility differs"),
            Self::GuildReturned => out.write_str("Guild is there again"),
            Self::GuildGone => out.write_str("Guild was deleted"),
            Self::GuildUnpublished => out.write_str("Guild is no longer published"),
        }
    }
}

impl fmt::Display for MemberWhy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined => out.write_str("User joined guild"),
            Self::RemovedInMoodle => out.write_str("User is in guild, but was removed in Moodle"),
            Self::Left => out.write_str("User left guild"),
            Self::Blocked => out.write_str("User is blocked in the community"),
            Self::OtherAccount { account } => write!(out, "User has another Moodle account now: {account}"),
            Self::NeverMember => out.write_str("User is not in guild"),
            Self::GuildGone => out.write_str("Guild was deleted"),
            Self::GuildUnpublished => out.write_str("Guild is no longer published"),
            Self::AccountGone => out.write_str("Moodle account was deleted"),
            Self::GoneAlready => out.write_str("User is no longer in the cohort"),
            Self::OtherPerson => out.write_str("Account belongs to another member now"),
        }
    }
}

impl fmt::Display for RoleWhy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member => out.write_str("User is in guild"),
            Self::Given { role } => write!(out, "User is {role} in guild"),
            Self::NoLongerGiven => out.write_str("User no longer has that role in guild"),
            Self::Left => out.write_str("User left guild"),
            Self::GuildGone => out.write_str("Guild is gone"),
            Self::GoneAlready => out.write_str("Role is no longer assigned"),
        }
    }
}
