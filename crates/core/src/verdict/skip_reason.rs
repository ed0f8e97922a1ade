//! Why a guild, a member or a role is left as it is, in words.

use crate::model::{Assignment, CohortId, CommunityUserId, MachineName, MoodleUserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a plan takes nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalBlock {
    /// Not everything arrived from the community or from Moodle.
    Incomplete,
    /// The community did not say who was reading, or the sentinel member was not seen.
    AccessUnproven,
    /// A guild that was there before is not to be seen, and nothing says why.
    GuildsUnseen,
}

/// Why something is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "left_alone", rename_all = "snake_case")]
pub enum SkipReason {
    /// The member has no Moodle account.
    NoAccount,
    Several {
        by: String,
        accounts: Box<[MoodleUserId]>,
    },
    /// An account fits by a weaker key, and a stronger one speaks against it.
    Contradicted {
        by: String,
        account: MoodleUserId,
        against: String,
    },
    /// The Moodle account that fits belongs to another member.
    AccountTaken {
        account: MoodleUserId,
        by: CommunityUserId,
    },
    /// Moodle was not asked for the account.
    NotLookedUp,
    /// On the list of those who are never touched.
    Protected {
        entry: String,
    },
    /// Blocked in the community, which counts as absent.
    Blocked,
    /// The community does not show the account, and no sentinel tells whether that means blocked.
    Hidden,
    /// No account can be made: user name or names are missing, or Moodle's rule refuses them.
    NoUsableName,
    /// No account can be made: another account has the user name, or another new member would get it.
    UsernameTaken {
        username: String,
    },
    /// In the cohort, but Rollbook did not put them there.
    NotOurs {
        user: MoodleUserId,
    },
    /// Rollbook gave them this account once; now it fits no longer, by mail or by name. Neither is touched.
    NoLongerFits {
        user: MoodleUserId,
    },
    /// It would be taken away, but not now.
    HeldBack {
        /// The account; nothing where it is the cohort.
        user: Option<MoodleUserId>,
        hold: RemovalBlock,
    },
    /// A synchronisation of one user makes no cohort.
    NoCohortYet,
    /// The guild is not published.
    Unpublished,
    /// Another guild has the same machine name.
    NameCollision {
        name: MachineName,
    },
    /// A cohort that Rollbook does not own has the guild's idnumber.
    CohortTaken {
        cohort: CohortId,
        name: MachineName,
    },
    /// The cohort belongs to a Moodle plugin and is never taken over.
    CohortOfPlugin {
        cohort: CohortId,
        component: String,
    },
    /// The cohort lives in another context than configured and is not taken over.
    CohortElsewhere {
        cohort: CohortId,
    },
    /// The cohort's members were not read.
    MembersUnread {
        cohort: CohortId,
    },
    /// The guild was there before, and the account may not see it now, or nothing says what became of it.
    GuildUnseen,
    /// The cohort has members that Rollbook does not own, so it is hidden rather than deleted.
    NotDeleted {
        cohort: CohortId,
    },
    /// The role is there already, and Rollbook did not assign it.
    RoleNotOurs {
        assignment: Assignment,
    },
}

impl SkipReason {
    /// Whether a person should look at it.
    pub fn needs_attention(&self) -> bool {
        match self {
            Self::NoAccount
            | Self::Several { .. }
            | Self::AccountTaken { .. }
            | Self::Contradicted { .. }
            | Self::NotLookedUp
            | Self::NoUsableName
            | Self::UsernameTaken { .. }
            | Self::NoLongerFits { .. }
            | Self::HeldBack { .. }
            | Self::NoCohortYet
            | Self::NameCollision { .. }
            | Self::CohortTaken { .. }
            | Self::CohortOfPlugin { .. }
            | Self::CohortElsewhere { .. }
            | Self::MembersUnread { .. }
            | Self::GuildUnseen => true,
            Self::Protected { .. }
            | Self::Blocked
            | Self::Hidden
            | Self::NotOurs { .. }
            | Self::Unpublished
            | Self::NotDeleted { .. }
            | Self::RoleNotOurs { .. } => false,
        }
    }

    /// Whether a run that leaves it so has not done all that it was asked to. A member without account is none of its business.
    pub fn leaves_undone(&self) -> bool {
        match self {
            Self::NotLookedUp
            | Self::HeldBack { .. }
            | Self::NoCohortYet
            | Self::NameCollision { .. }
            | Self::CohortTaken { .. }
            | Self::CohortOfPlugin { .. }
            | Self::CohortElsewhere { .. }
            | Self::MembersUnread { .. }
            | Self::GuildUnseen => true,
            Self::NoAccount
            | Self::Several { .. }
            | Self::AccountTaken { .. }
            | Self::Contradicted { .. }
            | Self::NoUsableName
            | Self::UsernameTaken { .. }
            | Self::NoLongerFits { .. }
            | Self::Protected { .. }
            | Self::Blocked
            | Self::Hidden
            | Self::NotOurs { .. }
            | Self::Unpublished
            | Self::NotDeleted { .. }
            | Self::RoleNotOurs { .. } => false,
        }
    }

    /// The reason without what differs from one member to the next, so that a list can say it once.
    pub fn in_general(&self) -> String {
        match self {
            Self::NotOurs { .. } => "not added by Rollbook".to_owned(),
            Self::NoLongerFits { .. } => "the account was theirs and no longer fits: it is left as it is".to_owned(),
            Self::HeldBack { user: Some(_), hold } => format!("not removed now: {hold}"),
            Self::RoleNotOurs { assignment: Assignment { role, context, .. } } => {
                format!("has role {role} in {context} already, not by Rollbook")
            }
            other => other.to_string(),
        }
    }

    /// Whether it is about who is who.
    pub fn is_doubt(&self) -> bool {
        matches!(
            self,
            Self::Several { .. } | Self::AccountTaken { .. } | Self::Contradicted { .. } | Self::NoLongerFits { .. }
        )
    }
}

impl fmt::Display for RemovalBlock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Incomplete => "not everything arrived",
            Self::AccessUnproven => "the community did not prove that it shows everything",
            Self::GuildsUnseen => "a guild that was there before is not to be seen",
        })
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount => out.write_str("no Moodle account"),
            Self::Several { by, accounts } => {
                let ids: Vec<_> = accounts.iter().map(ToString::to_string).collect();
                write!(out, "{} Moodle accounts fit by {by}: {}", accounts.len(), ids.join(", "))
            }
            Self::AccountTaken { account, by } => write!(out, "Moodle account {account} also fits community user {by}"),
            Self::Contradicted { by, account, against } => {
                write!(out, "Moodle account {account} fits by {by}, but has another {against}")
            }
            Self::NotLookedUp => out.write_str("the Moodle account was not looked up"),
            Self::Protected { entry } => write!(out, "protected by the entry \"{entry}\""),
            Self::Blocked => out.write_str("blocked in the community"),
            Self::Hidden => out.write_str("the community does not show this account"),
            Self::NoUsableName => {
                out.write_str("no Moodle account, and none can be made: the name or address is unusable")
            }
            Self::UsernameTaken { username } => {
                write!(out, "no Moodle account, and none can be made: the user name \"{username}\" is taken")
            }
            Self::NotOurs { user } => write!(out, "account {user} was not added by Rollbook"),
            Self::NoLongerFits { user } => {
                write!(out, "account {user} was theirs and no longer fits: it is left as it is")
            }
            Self::HeldBack { user: Some(user), hold } => write!(out, "account {user} is not removed now: {hold}"),
            Self::HeldBack { user: None, hold } => write!(out, "the cohort is not retired now: {hold}"),
            Self::NoCohortYet => out.write_str("the guild has no cohort yet: synchronise the guild first"),
            Self::Unpublished => out.write_str("the guild is not published"),
            Self::NameCollision { name } => write!(out, "another guild has the machine name \"{name}\" too"),
            Self::CohortTaken { cohort, name } => {
                write!(out, "cohort {cohort} has the idnumber \"{name}\" and is not Rollbook's: adopt or rename it")
            }
            Self::CohortOfPlugin { cohort, component } => {
                write!(out, "cohort {cohort} belongs to the plugin {component}")
            }
            Self::CohortElsewhere { cohort } => write!(out, "cohort {cohort} is not in the configured context"),
            Self::MembersUnread { cohort } => write!(out, "the members of cohort {cohort} could not be read"),
            Self::GuildUnseen => out.write_str("the guild was there before and is not to be seen now"),
            Self::NotDeleted { cohort } => write!(out, "cohort {cohort} has other members too: hidden, not deleted"),
            Self::RoleNotOurs { assignment } => {
                let Assignment { user, role, context } = assignment;
                write!(out, "account {user} has role {role} in {context} already, not by Rollbook")
            }
        }
    }
}
