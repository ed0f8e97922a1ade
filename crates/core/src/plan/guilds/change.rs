//! A change of the guilds flow: one intended effect on one cohort, membership or role assignment.

use super::why::{CohortWhy, MemberWhy, RoleWhy};
use crate::desired::NewMember;
use crate::model::{
    Assignment, CohortContext, CohortId, CohortVisibility, CommunityUserId, GuildUuid, MachineName, MoodleUserId,
    RoleContext, RoleId,
};
use serde::{Deserialize, Serialize};

/// The place of a change in a plan: what kind it is, its guild, its account and role.
type Order<'a> = (u8, Option<&'a GuildUuid>, Option<(MemberRef, Option<(RoleId, RoleContext)>)>);

/// How a cohort shall look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortForm {
    /// Its idnumber.
    pub idnumber: MachineName,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Whether it is listed.
    pub visibility: CohortVisibility,
    /// Where it lives. Moodle wants to be told at every change, and would move it.
    pub context: CohortContext,
}

/// A Moodle account in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRef {
    /// One that exists.
    Account(MoodleUserId),
    /// The one that the same plan makes for this person.
    New(CommunityUserId),
}

/// One membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    /// The guild.
    pub guild: GuildUuid,
    /// Its cohort; nothing where the same plan makes it.
    pub cohort: Option<CohortId>,
    /// The account.
    pub user: MemberRef,
    /// For whom, where that is known.
    pub person: Option<CommunityUserId>,
    /// The name to print.
    pub name: Box<str>,
    /// Why.
    pub why: MemberWhy,
}

/// One role assignment, on behalf of one guild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChange {
    /// The guild.
    pub guild: GuildUuid,
    /// The account.
    pub user: MemberRef,
    /// As what.
    pub role: RoleId,
    /// Where.
    pub context: RoleContext,
    /// For whom, where that is known.
    pub person: Option<CommunityUserId>,
    /// The name to print.
    pub name: Box<str>,
    /// Why.
    pub why: RoleWhy,
}

impl RoleChange {
    /// The assignment, where the account exists.
    pub fn assignment(&self) -> Option<Assignment> {
        match self.user {
            MemberRef::Account(user) => Some(Assignment { user, role: self.role, context: self.context }),
            MemberRef::New(_) => None,
        }
    }
}

/// What becomes of a retired cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", content = "form", rename_all = "snake_case")]
pub enum Retire {
    /// It is hidden, and its name marked.
    Hide(CohortForm),
    /// It stays as it is; only the journal notes it.
    Keep,
    /// It is deleted.
    Delete,
    /// It is no longer in Moodle; only the journal notes it.
    Gone,
}

/// One intended effect of the guilds flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum GuildChange {
    /// Make an account.
    CreateAccount(NewMember),
    /// Make a cohort.
    CreateCohort {
        /// For this guild.
        guild: GuildUuid,
        /// The guild's label.
        label: String,
        /// Like this.
        form: CohortForm,
        /// Why.
        why: CohortWhy,
    },
    /// Take an existing cohort over, with its members. Only the journal notes it.
    AdoptCohort {
        /// For this guild.
        guild: GuildUuid,
        /// The guild's label.
        label: String,
        /// This cohort.
        cohort: CohortId,
        /// Its idnumber.
        idnumber: MachineName,
        /// Its members, with whom they are where that is known.
        members: Vec<(MoodleUserId, Option<CommunityUserId>)>,
        /// Why.
        why: CohortWhy,
    },
    /// Change a cohort's idnumber, name, description or visibility.
    UpdateCohort {
        /// Of this guild.
        guild: GuildUuid,
        /// The guild's label.
        label: String,
        /// This cohort.
        cohort: CohortId,
        /// To be like this.
        form: CohortForm,
        /// Why.
        why: CohortWhy,
    },
    /// The membership is there and owned, and stands for another person now. Only the journal notes it.
    NoteMember(MemberChange),
    /// Put into the cohort.
    AddMember(MemberChange),
    /// Assign a role.
    AssignRole(RoleChange),
    /// The role is assigned for another guild already. Only the journal notes that this one wants it too.
    ClaimRole(RoleChange),
    /// Take a role away.
    UnassignRole(RoleChange),
    /// This guild no longer wants the role; another does, or it is gone. Only the journal notes it.
    ReleaseRole(RoleChange),
    /// Take out of the cohort.
    RemoveMember(MemberChange),
    /// The membership is gone. Only the journal notes it.
    ForgetMember(MemberChange),
    /// Retire the cohort of a guild that is gone.
    RetireCohort {
        /// The guild.
        guild: GuildUuid,
        /// Its label when it was last seen.
        label: String,
        /// Its cohort.
        cohort: CohortId,
        /// The cohort's idnumber, which stays.
        idnumber: MachineName,
        /// How.
        retire: Retire,
        /// Why.
        why: CohortWhy,
    },
}

impl GuildChange {
    /// The guild that it is about; an account is about none.
    pub fn guild(&self) -> Option<&GuildUuid> {
        match self {
            Self::CreateAccount(_) => None,
            Self::CreateCohort { guild, .. }
            | Self::AdoptCohort { guild, .. }
            | Self::UpdateCohort { guild, .. }
            | Self::RetireCohort { guild, .. } => Some(guild),
            Self::NoteMember(member)
            | Self::AddMember(member)
            | Self::RemoveMember(member)
            | Self::ForgetMember(member) => Some(&member.guild),
            Self::AssignRole(role) | Self::ClaimRole(role) | Self::UnassignRole(role) | Self::ReleaseRole(role) => {
                Some(&role.guild)
            }
        }
    }

    /// Whether it takes something away in Moodle.
    pub fn removes(&self) -> bool {
        match self {
            Self::UnassignRole(_) | Self::RemoveMember(_) => true,
            Self::RetireCohort { retire, .. } => matches!(retire, Retire::Hide(_) | Retire::Delete),
            _ => false,
        }
    }

    /// Whether only the journal notes it, without a call to Moodle.
    pub fn is_note(&self) -> bool {
        match self {
            Self::AdoptCohort { .. }
            | Self::NoteMember(_)
            | Self::ClaimRole(_)
            | Self::ReleaseRole(_)
            | Self::ForgetMember(_)
            | Self::RetireCohort { retire: Retire::Keep | Retire::Gone, .. } => true,
            Self::CreateAccount(_)
            | Self::CreateCohort { .. }
            | Self::UpdateCohort { .. }
            | Self::AddMember(_)
            | Self::AssignRole(_)
            | Self::UnassignRole(_)
            | Self::RemoveMember(_)
            | Self::RetireCohort { .. } => false,
        }
    }

    /// The account, where it is about one that exists.
    pub fn user(&self) -> Option<MoodleUserId> {
        let user = match self {
            Self::NoteMember(member)
            | Self::AddMember(member)
            | Self::RemoveMember(member)
            | Self::ForgetMember(member) => member.user,
            Self::AssignRole(role) | Self::ClaimRole(role) | Self::UnassignRole(role) | Self::ReleaseRole(role) => {
                role.user
            }
            Self::CreateAccount(_)
            | Self::CreateCohort { .. }
            | Self::AdoptCohort { .. }
            | Self::UpdateCohort { .. }
            | Self::RetireCohort { .. } => return None,
        };
        match user {
            MemberRef::Account(user) => Some(user),
            MemberRef::New(_) => None,
        }
    }

    /// Additions before removals; inside, by what Moodle locks: cohort, then account.
    pub(super) fn order(&self) -> Order<'_> {
        let of_member = |rank: u8, change: &'_ MemberChange| (rank, Some((change.user, None)));
        let of_role =
            |rank: u8, change: &'_ RoleChange| (rank, Some((change.user, Some((change.role, change.context)))));
        let (rank, inside) = match self {
            Self::CreateAccount(new) => (0, Some((MemberRef::New(new.person), None))),
            Self::CreateCohort { .. } | Self::AdoptCohort { .. } => (1, None),
            Self::UpdateCohort { .. } => (2, None),
            Self::NoteMember(change) | Self::AddMember(change) => of_member(3, change),
            Self::AssignRole(change) | Self::ClaimRole(change) => of_role(4, change),
            Self::UnassignRole(change) | Self::ReleaseRole(change) => of_role(5, change),
            Self::RemoveMember(change) | Self::ForgetMember(change) => of_member(6, change),
            Self::RetireCohort { .. } => (7, None),
        };
        (rank, self.guild(), inside)
    }
}
