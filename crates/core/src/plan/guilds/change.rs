//! A change of the guilds flow: one intended effect on one cohort, membership or role assignment.

use crate::desired::NewMember;
use crate::model::{
    Assignment, CohortContext, CohortId, CohortVisibility, CommunityUserId, GuildRole, GuildUuid, MachineName,
    MoodleUserId, RoleContext, RoleId, counted,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The place of a change in a plan: what kind it is, its guild, its account and role.
type Order<'a> = (u8, Option<&'a GuildUuid>, Option<(MemberRef, Option<(RoleId, RoleContext)>)>);

/// How a cohort shall look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortForm {
    pub idnumber: MachineName,
    pub name: String,
    pub description: String,
    pub visibility: CohortVisibility,
    /// Where it lives. Moodle wants to be told at every change, and would move it.
    pub context: CohortContext,
}

/// A Moodle account in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRef {
    Account(MoodleUserId),
    /// The one that the same plan makes for this person.
    New(CommunityUserId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    pub guild: GuildUuid,
    /// Its cohort; nothing where the same plan makes it.
    pub cohort: Option<CohortId>,
    pub user: MemberRef,
    /// For whom, where that is known.
    pub person: Option<CommunityUserId>,
    pub name: Box<str>,
    pub why: MemberWhy,
}

/// One role assignment, on behalf of one guild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChange {
    pub guild: GuildUuid,
    pub user: MemberRef,
    pub role: RoleId,
    pub context: RoleContext,
    /// For whom, where that is known.
    pub person: Option<CommunityUserId>,
    pub name: Box<str>,
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
    Delete,
    /// It is no longer in Moodle; only the journal notes it.
    Gone,
}

/// One intended effect of the guilds flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum GuildChange {
    CreateAccount(NewMember),
    CreateCohort {
        guild: GuildUuid,
        label: String,
        form: CohortForm,
        why: CohortWhy,
    },
    /// Take an existing cohort over, with its members. Only the journal notes it.
    AdoptCohort {
        guild: GuildUuid,
        label: String,
        cohort: CohortId,
        idnumber: MachineName,
        /// Its members, with whom they are where that is known.
        members: Vec<(MoodleUserId, Option<CommunityUserId>)>,
        why: CohortWhy,
    },
    /// Change a cohort's idnumber, name, description or visibility.
    UpdateCohort {
        guild: GuildUuid,
        label: String,
        cohort: CohortId,
        form: CohortForm,
        why: CohortWhy,
    },
    /// The membership is there and owned, and stands for another person now. Only the journal notes it.
    NoteMember(MemberChange),
    AddMember(MemberChange),
    AssignRole(RoleChange),
    /// The role is assigned for another guild already. Only the journal notes that this one wants it too.
    ClaimRole(RoleChange),
    UnassignRole(RoleChange),
    /// This guild no longer wants the role; another does, or it is gone. Only the journal notes it.
    ReleaseRole(RoleChange),
    /// Take out of the cohort.
    RemoveMember(MemberChange),
    /// The membership is gone. Only the journal notes it.
    ForgetMember(MemberChange),
    /// Retire the cohort of a guild that is gone.
    RetireCohort {
        guild: GuildUuid,
        /// Its label when it was last seen.
        label: String,
        cohort: CohortId,
        /// The cohort's idnumber, which stays.
        idnumber: MachineName,
        retire: Retire,
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

// A change as a line of the printed plan.

impl fmt::Display for MemberRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(out, "account {id}"),
            Self::New(_) => out.write_str("new account"),
        }
    }
}

impl fmt::Display for GuildChange {
    /// A line of the printed plan.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cohort = |id: &Option<CohortId>| id.map_or_else(|| "new cohort".to_owned(), |id| format!("cohort {id}"));
        let member = |out: &mut fmt::Formatter<'_>, verb: &str, preposition: &str, change: &MemberChange| {
            let MemberChange { cohort: id, user, name, why, guild: _, person: _ } = change;
            write!(out, "{verb} {name} ({user}) {preposition} {}: {why}", cohort(id))
        };
        let role = |out: &mut fmt::Formatter<'_>, verb: &str, preposition: &str, change: &RoleChange| {
            let RoleChange { user, role, context, name, why, guild: _, person: _ } = change;
            write!(out, "{verb} role {role} in {context} {preposition} {name} ({user}): {why}")
        };
        match self {
            Self::CreateAccount(new) => write!(out, "create account {} for user {}", new.username, new.person),
            Self::CreateCohort { form, why, .. } => {
                write!(out, "create cohort {} \"{}\": {why}", form.idnumber, form.name)
            }
            Self::AdoptCohort { cohort, idnumber, members, why, .. } => {
                write!(out, "adopt cohort {cohort} {idnumber} with {}: {why}", counted(members.len(), "member"))
            }
            Self::UpdateCohort { cohort, form, why, .. } => {
                write!(out, "update cohort {cohort} to {} \"{}\": {why}", form.idnumber, form.name)
            }
            Self::NoteMember(change) => member(out, "note", "in", change),
            Self::AddMember(change) => member(out, "add", "to", change),
            Self::AssignRole(change) => role(out, "assign", "to", change),
            Self::ClaimRole(change) => role(out, "keep", "for", change),
            Self::UnassignRole(change) => role(out, "unassign", "from", change),
            Self::ReleaseRole(change) => role(out, "no longer need", "for", change),
            Self::RemoveMember(change) => member(out, "remove", "from", change),
            Self::ForgetMember(change) => member(out, "forget", "in", change),
            Self::RetireCohort { cohort, retire, why, .. } => {
                let verb = match retire {
                    Retire::Hide(_) => "archive",
                    Retire::Keep => "keep",
                    Retire::Delete => "delete",
                    Retire::Gone => "forget",
                };
                write!(out, "{verb} cohort {cohort}: {why}")
            }
        }
    }
}

// Why a guild's plan changes something, in the words that people read beside the change.

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum CohortWhy {
    /// The guild has no cohort yet.
    GuildIsNew,
    /// The cohort that was made for it is no longer in Moodle.
    CohortVanished { was: CohortId },
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
        account: MoodleUserId,
    },
    /// They came with a cohort that was taken over, and are not in the guild.
    NeverMember,
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
