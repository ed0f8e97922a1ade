//! What an outcome of a guilds change means for what Rollbook owns.
//!
//! Next: `credit`, what an earlier run did and never said; `counts`.

mod counts;
mod credit;

pub use counts::GuildCounts;
pub use credit::credit;

use super::Outcome;
use crate::model::{
    Assignment, CohortId, CommunityUserId, GuildPair, GuildUuid, MachineName, MoodleUserId, Owned, PairState,
};
use crate::plan::{CohortWhy, GuildChange, Retire, RoleChange};

/// One edit of what Rollbook owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedEdit {
    /// The guild has this cohort now.
    PutPair(GuildUuid, GuildPair),
    /// The guild no longer has this cohort, and none of the cohort's memberships is owned.
    DropPair(GuildUuid, CohortId),
    /// The membership is owned, for this person where that is known.
    PutMember(CohortId, MoodleUserId, Option<CommunityUserId>),
    /// The membership is not owned.
    DropMember(CohortId, MoodleUserId),
    /// The assignment is owned on behalf of the guild.
    PutClaim(Assignment, GuildUuid, Option<CommunityUserId>),
    /// The guild no longer wants the assignment.
    DropClaim(Assignment, GuildUuid),
}

/// What a change and its outcome mean for what Rollbook owns. `cohort` and `user` are what the change was about, with the
/// ids that Moodle gave to what the same plan made.
///
/// A membership that is there already (`AlreadySo`) counts as ours: the plan had found it missing, so it is most likely that
/// an earlier call of ours, which was given up, came through after all.
pub fn edits_of(
    change: &GuildChange,
    outcome: &Outcome,
    cohort: Option<CohortId>,
    user: Option<MoodleUserId>,
) -> Vec<OwnedEdit> {
    match outcome {
        Outcome::Done | Outcome::AlreadySo => {}
        Outcome::Refused { .. } | Outcome::Unknown | Outcome::NotTried { .. } => return Vec::new(),
    }
    let claim = |role: &RoleChange| user.map(|user| Assignment { user, role: role.role, context: role.context });
    match change {
        GuildChange::CreateAccount(_) => Vec::new(),
        GuildChange::CreateCohort { guild, label, form, why } => {
            let Some(cohort) = cohort else { return Vec::new() };
            let vanished = match why {
                CohortWhy::CohortVanished { was } => Some(OwnedEdit::DropPair(guild.clone(), *was)),
                _ => None,
            };
            let pair = put_pair(guild, cohort, &form.idnumber, label, PairState::Live);
            vanished.into_iter().chain([pair]).collect()
        }
        GuildChange::AdoptCohort { guild, label, cohort, idnumber, members, why } => {
            let before = match why {
                CohortWhy::TakenUpAgain { was } => Some(OwnedEdit::DropPair(was.clone(), *cohort)),
                _ => None,
            };
            let members = members.iter().map(|(user, person)| OwnedEdit::PutMember(*cohort, *user, *person));
            let pair = put_pair(guild, *cohort, idnumber, label, PairState::Live);
            before.into_iter().chain([pair]).chain(members).collect()
        }
        GuildChange::UpdateCohort { guild, label, cohort, form, .. } => {
            vec![put_pair(guild, *cohort, &form.idnumber, label, PairState::Live)]
        }
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
        GuildChange::RetireCohort { guild, cohort, retire: Retire::Delete | Retire::Gone, .. } => {
            vec![OwnedEdit::DropPair(guild.clone(), *cohort)]
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
                self.pairs.insert(guild, pair);
            }
            OwnedEdit::DropPair(guild, cohort) => {
                self.pairs.remove(&guild);
                self.members.remove(&cohort);
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
