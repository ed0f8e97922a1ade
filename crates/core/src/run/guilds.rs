//! What an outcome of a guilds change means for what Rollbook owns.
//!
//! Next: `credit`, what an earlier run did and never said; `counts`.

use crate::model::{
    Assignment, CohortId, CohortSide, CommunityUserId, GuildPair, GuildUuid, MachineName, MoodleUserId, Owned,
    PairState, folded_machine_name,
};
use crate::plan::{CohortWhy, GuildChange, MemberRef, Retire, RoleChange};
use crate::run::Outcome;
use serde::{Deserialize, Serialize};

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

// The numbers that a run of guilds ends with.

/// The numbers that a run of guilds ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildCounts {
    /// Guilds that were looked at.
    pub guilds: u64,
    /// Cohorts made, taken over, changed or retired.
    pub cohorts: u64,
    pub added: u64,
    /// Members taken out of cohorts.
    pub removed: u64,
    /// Members who were where they should be.
    pub unchanged: u64,
    pub roles_assigned: u64,
    pub roles_unassigned: u64,
    pub accounts: u64,
    /// Members, guilds and roles that were left alone and that a person should look at.
    pub waiting: u64,
    pub refused: u64,
    /// Changes of which nothing is known, or that were not tried.
    pub open: u64,
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

// What an earlier run set out to do, did, and died before it could say so: without credit for it, Rollbook would not own
// what it made and never remove it.

/// Finds the changes of an unfinished plan that Moodle shows as done and that are not owned: each was missing when that plan
/// was made. `account_of` tells the account of a person, for accounts that the plan itself would have made. Edits `owned`,
/// and gives the changes with their edits. Removals need none: what is gone is forgotten by the next plan.
pub fn credit<'a>(
    changes: &'a [GuildChange],
    side: &CohortSide,
    account_of: impl Fn(CommunityUserId) -> Option<MoodleUserId>,
    owned: &mut Owned,
) -> Vec<(&'a GuildChange, Vec<OwnedEdit>)> {
    let mut credited = Vec::new();
    for change in changes {
        let Some((cohort, user)) = done(change, side, &account_of, owned) else { continue };
        let edits = edits_of(change, &Outcome::Done, cohort, user);
        for edit in &edits {
            owned.edit(edit.clone());
        }
        credited.push((change, edits));
    }
    credited
}

type Ids = (Option<CohortId>, Option<MoodleUserId>);

fn done(
    change: &GuildChange,
    side: &CohortSide,
    account_of: &impl Fn(CommunityUserId) -> Option<MoodleUserId>,
    owned: &Owned,
) -> Option<Ids> {
    let resolve = |user: MemberRef| match user {
        MemberRef::Account(user) => Some(user),
        MemberRef::New(person) => account_of(person),
    };
    match change {
        GuildChange::CreateCohort { guild, form, .. } => {
            let name = folded_machine_name(form.idnumber.as_str());
            let mut there = side.cohorts.values().filter(|cohort| folded_machine_name(&cohort.idnumber) == name);
            let cohort = there.next().filter(|_| there.next().is_none())?;
            let paired = owned.pairs.values().any(|pair| pair.cohort == cohort.id);
            let other = owned.pairs.get(guild).is_some_and(|pair| side.cohorts.contains_key(&pair.cohort));
            (!paired && !other).then_some((Some(cohort.id), None))
        }
        GuildChange::UpdateCohort { guild, label, cohort, form, .. } => {
            let (pair, seen) = (owned.pairs.get(guild)?, side.cohorts.get(cohort)?);
            let as_wanted = seen.idnumber == form.idnumber.as_str() && seen.name == form.name;
            let known = pair.machine_name == form.idnumber && pair.label == *label;
            (pair.cohort == *cohort && as_wanted && !known).then_some((Some(*cohort), None))
        }
        GuildChange::AddMember(member) => {
            let user = resolve(member.user)?;
            let pair = owned.pairs.get(&member.guild)?;
            let cohort = member.cohort.unwrap_or(pair.cohort);
            let there = side.members.get(&cohort).is_some_and(|users| users.binary_search(&user).is_ok());
            let ours = owned.members.get(&cohort).is_some_and(|users| users.contains_key(&user));
            (there && !ours && pair.cohort == cohort).then_some((Some(cohort), Some(user)))
        }
        GuildChange::AssignRole(role) => {
            let user = resolve(role.user)?;
            let assignment = Assignment { user, role: role.role, context: role.context };
            let there = side.assignments.as_ref()?.contains(&assignment);
            let ours = owned.assignments.contains_key(&assignment);
            (there && !ours).then_some((None, Some(user)))
        }
        _ => None,
    }
}
