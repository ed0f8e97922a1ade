//! Members, one writer a cohort, and role assignments, one writer an account: Moodle makes a deadlock of two calls about one
//! cohort, and two rows of two calls about one role.
//!
//! Web services cannot show role assignments, so an unknown outcome stays unknown. All four calls may be repeated: the next
//! run does, and gives credit for what came through late.

use super::{AppliedChange, Item, Run, part};
use crate::engine::{Sent, in_doubt, not_tried, settled};
use futures_util::stream::{self, StreamExt};
use rollbook_core::model::{self, CohortId, MoodleUserId};
use rollbook_core::plan::{GuildChange, MemberChange, RoleChange};
use rollbook_core::run::Outcome;
use rollbook_moodle::client::write::{MemberOutcome, Membership, RoleAssignment, RoleContext};
use rollbook_moodle::client::{Function, MoodleReader};
use std::collections::{BTreeMap, BTreeSet};

/// One membership, with all its ids known.
#[derive(Clone, Copy)]
struct Ready {
    place: usize,
    cohort: CohortId,
    user: MoodleUserId,
}

impl Run<'_> {
    /// Adds or removes members; all items are of one kind.
    pub(super) async fn change_members(&self, items: &[Item<'_>]) {
        let wanted = match items.first().map(|item| item.change) {
            Some(GuildChange::AddMember(_)) => Presence::Present,
            _ => Presence::Absent,
        };
        let mut ready = Vec::new();
        let mut applied = Vec::new();
        for Item { place, change } in items {
            let (GuildChange::AddMember(member) | GuildChange::RemoveMember(member)) = change else { continue };
            match self.ready(*place, member) {
                Ok(membership) => ready.push((membership.cohort, membership)),
                Err(outcome) => {
                    applied.push(AppliedChange { place: *place, outcome, cohort: member.cohort, user: change.user() });
                }
            }
        }
        self.sender.report(applied).await;
        let function = if wanted == Presence::Present { Function::AddMembers } else { Function::DeleteMembers };
        let sender = &self.sender;
        let lanes = part(ready, sender.items_max(function), sender.concurrency);
        stream::iter(lanes).for_each_concurrent(sender.concurrency, |lane| self.send_members(lane, wanted)).await;
    }

    fn ready(&self, place: usize, member: &MemberChange) -> Result<Ready, Outcome> {
        let cohort = self.resolve_cohort(&member.guild, member.cohort)?;
        Ok(Ready { place, cohort, user: self.resolve_user(member.user)? })
    }

    async fn send_members(&self, mut lane: Vec<Ready>, wanted: Presence) {
        // In one order everywhere, so that two calls never wait for each other in Moodle's database.
        lane.sort_by_key(|ready| (ready.cohort, ready.user));
        let sender = &self.sender;
        for batch in lane.chunks(sender.items_max(Function::AddMembers)) {
            let wire: Vec<Membership> =
                batch.iter().map(|ready| Membership { cohort: ready.cohort, user: ready.user }).collect();
            let mut outcomes: Vec<Outcome> = match wanted {
                Presence::Present => {
                    let add = |part| sender.writer.add_members(part);
                    let sent = sender.send(&wire, Function::AddMembers, add).await;
                    sent.into_iter().map(added).collect()
                }
                Presence::Absent => {
                    let delete = |part| sender.writer.delete_members(part);
                    let sent = sender.send(&wire, Function::DeleteMembers, delete).await;
                    sent.into_iter().map(Sent::into_outcome).collect()
                }
            };
            let pairs: Vec<_> = batch.iter().map(|ready| (ready.cohort, ready.user)).collect();
            settle_members(&pairs, wanted, &mut outcomes, &sender.reader).await;
            let applied = batch.iter().zip(outcomes).map(|(ready, outcome)| {
                let Ready { place, cohort, user } = *ready;
                AppliedChange { place, outcome, cohort: Some(cohort), user: Some(user) }
            });
            self.sender.report(applied.collect()).await;
        }
    }
}

fn added(sent: Sent<MemberOutcome>) -> Outcome {
    match sent {
        Sent::Done(MemberOutcome::Added) => Outcome::Done,
        Sent::Done(MemberOutcome::AlreadySo) => Outcome::AlreadySo,
        Sent::Done(MemberOutcome::CohortMissing) => Outcome::Refused { code: "cohort_missing".to_owned() },
        Sent::Done(MemberOutcome::UserMissing) => Outcome::Refused { code: "user_missing".to_owned() },
        // Moodle did something and said so in words that name nobody: it is read again.
        Sent::Done(MemberOutcome::Unclear(_)) => Outcome::Unknown,
        Sent::Not(outcome) => outcome,
    }
}

/// How a membership should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
}

/// What is looked at again: what is in doubt, and several removals at once even where Moodle says that they are done. Its answer
/// names nobody; who was lost on the way would stay in the cohort and be nobody's.
fn needs_look(outcome: &Outcome, wanted: Presence, several: bool) -> bool {
    in_doubt(outcome) || (several && wanted == Presence::Absent && *outcome == Outcome::Done)
}

/// What a doubtful outcome comes to, once it was seen whether things are as wanted.
fn settled_member(outcome: &Outcome, as_wanted: bool) -> Outcome {
    match (outcome, as_wanted) {
        (Outcome::Done, false) => not_tried(
            "Moodle took the call and did only a part of it; does PHP read as many variables as the site's input_vars says?",
        ),
        (other, _) => settled(other, as_wanted),
    }
}

/// Looks whether memberships in doubt are as they should be.
async fn settle_members(
    pairs: &[(CohortId, MoodleUserId)],
    wanted: Presence,
    outcomes: &mut [Outcome],
    reader: &MoodleReader,
) {
    let several = pairs.len() > 1;
    let doubtful = pairs.iter().zip(outcomes.iter()).filter(|(_, outcome)| needs_look(outcome, wanted, several));
    let cohorts: BTreeSet<CohortId> = doubtful.map(|((cohort, _), _)| *cohort).collect();
    if cohorts.is_empty() {
        return;
    }
    let Ok(found) = reader.fetch_cohort_members(&cohorts.into_iter().collect::<Vec<_>>()).await else {
        // Not seen, so not known: the next run looks.
        outcomes.iter_mut().filter(|outcome| needs_look(outcome, wanted, several)).for_each(|outcome| {
            *outcome = if *outcome == Outcome::Done { Outcome::Unknown } else { outcome.clone() };
        });
        return;
    };
    let members: BTreeMap<CohortId, BTreeSet<MoodleUserId>> =
        found.cohorts.into_iter().map(|cohort| (cohort.cohortid, cohort.userids.into_iter().collect())).collect();
    let looked_at = pairs.iter().zip(outcomes.iter_mut());
    for ((cohort, user), outcome) in looked_at.filter(|(_, outcome)| needs_look(outcome, wanted, several)) {
        let present = members.get(cohort).is_some_and(|users| users.contains(user));
        *outcome = settled_member(outcome, present == (wanted == Presence::Present));
    }
}

impl Run<'_> {
    /// Assigns roles, then takes roles away.
    pub(super) async fn change_roles(&self, items: &[Item<'_>]) {
        for function in [Function::AssignRoles, Function::UnassignRoles] {
            let mut ready = Vec::new();
            let mut applied = Vec::new();
            for Item { place, change } in items {
                let role = match (change, function) {
                    (GuildChange::AssignRole(role), Function::AssignRoles)
                    | (GuildChange::UnassignRole(role), Function::UnassignRoles) => role,
                    _ => continue,
                };
                match self.resolve_user(role.user) {
                    Ok(user) => ready.push((user, (*place, to_wire(role, user)))),
                    Err(outcome) => applied.push(AppliedChange { place: *place, outcome, cohort: None, user: None }),
                }
            }
            self.sender.report(applied).await;
            let sender = &self.sender;
            let lanes = part(ready, sender.items_max(function), sender.concurrency);
            let send_lane = |lane| self.send_roles(lane, function);
            stream::iter(lanes).for_each_concurrent(sender.concurrency, send_lane).await;
        }
    }

    async fn send_roles(&self, mut lane: Vec<(usize, RoleAssignment)>, function: Function) {
        lane.sort_by_key(|(_, assignment)| (assignment.context, assignment.user, assignment.role));
        let sender = &self.sender;
        for batch in lane.chunks(sender.items_max(function)) {
            let wire: Vec<RoleAssignment> = batch.iter().map(|(_, assignment)| *assignment).collect();
            let sent = match function {
                Function::AssignRoles => sender.send(&wire, function, |part| sender.writer.assign_roles(part)).await,
                _ => sender.send(&wire, function, |part| sender.writer.unassign_roles(part)).await,
            };
            let applied = batch.iter().zip(sent).map(|((place, assignment), sent)| {
                let outcome: Outcome = Sent::into_outcome(sent);
                AppliedChange { place: *place, outcome, cohort: None, user: Some(assignment.user) }
            });
            self.sender.report(applied.collect()).await;
        }
    }
}

fn to_wire(role: &RoleChange, user: MoodleUserId) -> RoleAssignment {
    let context = match role.context {
        model::RoleContext::System => RoleContext::System,
        model::RoleContext::Category(id) => RoleContext::Category(id.0),
        model::RoleContext::Course(id) => RoleContext::Course(id),
    };
    RoleAssignment { role: role.role, user, context }
}
