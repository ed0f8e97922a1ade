//! What an earlier run set out to do, did, and died before it could say so: without credit for it, Rollbook would not own
//! what it made and never remove it.

use super::{OwnedEdit, edits_of};
use crate::model::{CohortId, CohortSide, CommunityUserId, MoodleUserId, Owned, folded_machine_name};
use crate::plan::{GuildChange, MemberRef};
use crate::run::Outcome;

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
            let assignment = crate::model::Assignment { user, role: role.role, context: role.context };
            let there = side.assignments.as_ref()?.contains(&assignment);
            let ours = owned.assignments.contains_key(&assignment);
            (there && !ours).then_some((None, Some(user)))
        }
        _ => None,
    }
}
