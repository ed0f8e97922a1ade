//! What an outcome of a guilds change means: for what Rollbook owns, and for the numbers that a run ends with.

use super::Outcome;
use crate::model::{
    Assignment, CohortId, CommunityUserId, GuildPair, GuildUuid, MachineName, MoodleUserId, Owned, PairState,
};
use crate::plan::{CohortWhy, GuildChange, MemberWhy, Retire, RoleChange};
use serde::{Deserialize, Serialize};

/// One edit of what Rollbook owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedEdit {
    /// The guild has this cohort now, and no other guild has it.
    PutPair(GuildUuid, GuildPair),
    /// The guild has no cohort any more.
    DropPair(GuildUuid),
    /// The membership is owned, for this person where that is known.
    PutMember(CohortId, MoodleUserId, Option<CommunityUserId>),
    /// The membership is not owned.
    DropMember(CohortId, MoodleUserId),
    /// No membership of the cohort is owned.
    DropMembers(CohortId),
    /// The assignment is owned on behalf of the guild.
    PutClaim(Assignment, GuildUuid, Option<CommunityUserId>),
    /// The guild no longer wants the assignment.
    DropClaim(Assignment, GuildUuid),
}

/// What a change and its outcome mean for what Rollbook owns. `cohort` and `user` are what the change was about, with the
/// ids that Moodle gave to what the same plan made.
///
/// A membership that somebody else made in the meantime (`AlreadySo`) is not owned.
pub fn edits_of(
    change: &GuildChange,
    outcome: &Outcome,
    cohort: Option<CohortId>,
    user: Option<MoodleUserId>,
) -> Vec<OwnedEdit> {
    let done = match outcome {
        Outcome::Done => true,
        Outcome::AlreadySo => false,
        Outcome::Refused { .. } | Outcome::Unknown | Outcome::NotTried { .. } => return Vec::new(),
    };
    let claim = |role: &RoleChange| user.map(|user| Assignment { user, role: role.role, context: role.context });
    match change {
        GuildChange::CreateAccount(_) => Vec::new(),
        GuildChange::CreateCohort { guild, label, form, why } => {
            let Some(cohort) = cohort else { return Vec::new() };
            let vanished = match why {
                CohortWhy::CohortVanished { was } => Some(OwnedEdit::DropMembers(*was)),
                _ => None,
            };
            let pair = put_pair(guild, cohort, &form.idnumber, label, PairState::Live);
            vanished.into_iter().chain([pair]).collect()
        }
        GuildChange::AdoptCohort { guild, label, cohort, idnumber, members, .. } => {
            let members = members.iter().map(|(user, person)| OwnedEdit::PutMember(*cohort, *user, *person));
            [put_pair(guild, *cohort, idnumber, label, PairState::Live)].into_iter().chain(members).collect()
        }
        GuildChange::UpdateCohort { guild, label, cohort, form, .. } => {
            vec![put_pair(guild, *cohort, &form.idnumber, label, PairState::Live)]
        }
        GuildChange::AddMember(member) if !done && member.why != MemberWhy::RemovedInMoodle => Vec::new(),
        GuildChange::NoteMember(member) | GuildChange::AddMember(member) => {
            let edit = cohort.zip(user).map(|(cohort, user)| OwnedEdit::PutMember(cohort, user, member.person));
            edit.into_iter().collect()
        }
        GuildChange::RemoveMember(_) | GuildChange::ForgetMember(_) => {
            cohort.zip(user).map(|(cohort, user)| OwnedEdit::DropMember(cohort, user)).into_iter().collect()
        }
        GuildChange::AssignRole(role) | GuildChange::ClaimRole(role) => {
            let edit = |assignment| OwnedEdit::PutClaim(assignment, role.guild.clone(), role.person);
            claim(role).map(edit).into_iter().collect()
        }
        GuildChange::UnassignRole(role) | GuildChange::ReleaseRole(role) => {
            claim(role).map(|assignment| OwnedEdit::DropClaim(assignment, role.guild.clone())).into_iter().collect()
        }
        GuildChange::RetireCohort { guild, cohort, retire: Retire::Delete, .. } => {
            vec![OwnedEdit::DropMembers(*cohort), OwnedEdit::DropPair(guild.clone())]
        }
        GuildChange::RetireCohort { guild, label, cohort, idnumber, .. } => {
            vec![put_pair(guild, *cohort, idnumber, label, PairState::Archived)]
        }
    }
}

fn put_pair(guild: &GuildUuid, cohort: CohortId, name: &MachineName, label: &str, state: PairState) -> OwnedEdit {
    let pair = GuildPair { cohort, machine_name: name.clone(), label: label.to_owned(), state };
    OwnedEdit::PutPair(guild.clone(), pair)
}

impl Owned {
    /// Makes one edit.
    pub fn edit(&mut self, edit: OwnedEdit) {
        match edit {
            OwnedEdit::PutPair(guild, pair) => {
                self.pairs.retain(|other, old| *other == guild || old.cohort != pair.cohort);
                self.pairs.insert(guild, pair);
            }
            OwnedEdit::DropPair(guild) => {
                self.pairs.remove(&guild);
            }
            OwnedEdit::PutMember(cohort, user, person) => {
                self.members.entry(cohort).or_default().insert(user, person);
            }
            OwnedEdit::DropMember(cohort, user) => {
                if let Some(members) = self.members.get_mut(&cohort) {
                    members.remove(&user);
                    if members.is_empty() {
                        self.members.remove(&cohort);
                    }
                }
            }
            OwnedEdit::DropMembers(cohort) => {
                self.members.remove(&cohort);
            }
            OwnedEdit::PutClaim(assignment, guild, person) => {
                self.assignments.entry(assignment).or_default().insert(guild, person);
            }
            OwnedEdit::DropClaim(assignment, guild) => {
                if let Some(claims) = self.assignments.get_mut(&assignment) {
                    claims.remove(&guild);
                    if claims.is_empty() {
                        self.assignments.remove(&assignment);
                    }
                }
            }
        }
    }
}

/// The numbers that a run of guilds ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildCounts {
    /// Guilds that were looked at.
    pub guilds: u64,
    /// Cohorts made, taken over, changed or retired.
    pub cohorts: u64,
    /// Members put into cohorts.
    pub added: u64,
    /// Members taken out of cohorts.
    pub removed: u64,
    /// Members who were where they should be.
    pub unchanged: u64,
    /// Roles assigned.
    pub roles_assigned: u64,
    /// Roles taken away.
    pub roles_unassigned: u64,
    /// Accounts made.
    pub accounts: u64,
    /// Members, guilds and roles that were left alone and that a person should look at.
    pub waiting: u64,
    /// Changes that Moodle refused.
    pub refused: u64,
    /// Changes of which nothing is known, or that were not tried.
    pub open: u64,
    /// Calls to Moodle.
    pub calls: u64,
}

impl GuildCounts {
    /// Counts one change and what became of it.
    pub fn add(&mut self, change: &GuildChange, outcome: &Outcome) {
        match outcome {
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Unknown | Outcome::NotTried { .. } => self.open += 1,
            Outcome::AlreadySo if matches!(change, GuildChange::AddMember(_)) => self.unchanged += 1,
            Outcome::Done | Outcome::AlreadySo => match change {
                GuildChange::CreateAccount(_) => self.accounts += 1,
                GuildChange::CreateCohort { .. }
                | GuildChange::AdoptCohort { .. }
                | GuildChange::UpdateCohort { .. }
                | GuildChange::RetireCohort { .. } => self.cohorts += 1,
                GuildChange::AddMember(_) => self.added += 1,
                GuildChange::RemoveMember(_) => self.removed += 1,
                GuildChange::AssignRole(_) => self.roles_assigned += 1,
                GuildChange::UnassignRole(_) => self.roles_unassigned += 1,
                GuildChange::NoteMember(_)
                | GuildChange::ForgetMember(_)
                | GuildChange::ClaimRole(_)
                | GuildChange::ReleaseRole(_) => {}
            },
        }
    }
}
