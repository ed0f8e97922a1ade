//! Role assignments: one writer an account, since Moodle keeps two rows when two calls assign one role at once.
//!
//! Web services cannot show assignments, so an unknown outcome stays unknown. Both ways of changing them may be repeated:
//! the next run does.

use super::lanes::part;
use super::send::{Sent, send};
use super::{AppliedChange, Item, Run};
use futures_util::stream::{self, StreamExt};
use rollbook_core::model::{self, MoodleUserId};
use rollbook_core::plan::{GuildChange, RoleChange};
use rollbook_core::run::Outcome;
use rollbook_moodle::client::Function;
use rollbook_moodle::client::write::{RoleAssignment, RoleContext};

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
            self.gate.report(applied).await;
            let with = self.with;
            let lanes = part(ready, with.writer.client().items_max(function), with.concurrency);
            let send_lane = |lane| self.send_roles(lane, function);
            stream::iter(lanes).for_each_concurrent(with.concurrency.max(1), send_lane).await;
        }
    }

    async fn send_roles(&self, mut lane: Vec<(usize, RoleAssignment)>, function: Function) {
        lane.sort_by_key(|(_, assignment)| (assignment.context, assignment.user, assignment.role));
        let with = self.with;
        for batch in lane.chunks(with.writer.client().items_max(function)) {
            let wire: Vec<RoleAssignment> = batch.iter().map(|(_, assignment)| *assignment).collect();
            let sent = match function {
                Function::AssignRoles => {
                    send(&wire, function, with, &self.gate, |part| with.writer.assign_roles(part)).await
                }
                _ => send(&wire, function, with, &self.gate, |part| with.writer.unassign_roles(part)).await,
            };
            let applied = batch.iter().zip(sent).map(|((place, assignment), sent)| {
                let outcome: Outcome = Sent::into_outcome(sent);
                AppliedChange { place: *place, outcome, cohort: None, user: Some(assignment.user) }
            });
            self.gate.report(applied.collect()).await;
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
