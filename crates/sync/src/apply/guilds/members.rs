//! Members: added or removed in batches, one writer a cohort.

use super::lanes::part;
use super::send::{Sent, send};
use super::settle::{Wanted, settle_members};
use super::{AppliedChange, Item, Run};
use futures_util::stream::{self, StreamExt};
use rollbook_core::model::{CohortId, MoodleUserId};
use rollbook_core::plan::{GuildChange, MemberChange};
use rollbook_core::run::Outcome;
use rollbook_moodle::client::Function;
use rollbook_moodle::client::write::{MemberOutcome, Membership};

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
            Some(GuildChange::AddMember(_)) => Wanted::Present,
            _ => Wanted::Absent,
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
        self.gate.report(applied).await;
        let function = if wanted == Wanted::Present { Function::AddMembers } else { Function::DeleteMembers };
        let with = self.with;
        let lanes = part(ready, with.writer.client().items_max(function), with.concurrency);
        stream::iter(lanes).for_each_concurrent(with.concurrency.max(1), |lane| self.send_members(lane, wanted)).await;
    }

    fn ready(&self, place: usize, member: &MemberChange) -> Result<Ready, Outcome> {
        let cohort = self.resolve_cohort(&member.guild, member.cohort)?;
        Ok(Ready { place, cohort, user: self.resolve_user(member.user)? })
    }

    async fn send_members(&self, mut lane: Vec<Ready>, wanted: Wanted) {
        // In one order everywhere, so that two calls never wait for each other in Moodle's database.
        lane.sort_by_key(|ready| (ready.cohort, ready.user));
        let with = self.with;
        for batch in lane.chunks(with.writer.client().items_max(Function::AddMembers)) {
            let wire: Vec<Membership> =
                batch.iter().map(|ready| Membership { cohort: ready.cohort, user: ready.user }).collect();
            let mut outcomes: Vec<Outcome> = match wanted {
                Wanted::Present => {
                    let add = |part| with.writer.add_members(part);
                    let sent = send(&wire, Function::AddMembers, with, &self.gate, add).await;
                    sent.into_iter().map(added).collect()
                }
                Wanted::Absent => {
                    let delete = |part| with.writer.delete_members(part);
                    let sent = send(&wire, Function::DeleteMembers, with, &self.gate, delete).await;
                    sent.into_iter().map(Sent::into_outcome).collect()
                }
            };
            let pairs: Vec<_> = batch.iter().map(|ready| (ready.cohort, ready.user)).collect();
            settle_members(&pairs, wanted, &mut outcomes, with.reader).await;
            let applied = batch.iter().zip(outcomes).map(|(ready, outcome)| {
                let Ready { place, cohort, user } = *ready;
                AppliedChange { place, outcome, cohort: Some(cohort), user: Some(user) }
            });
            self.gate.report(applied.collect()).await;
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
