//! A cleared plan of guilds → accounts, cohorts, members and roles in Moodle.
//!
//! It goes through the plan kind by kind, additions before removals. Inside a kind, changes are parted into lanes that share
//! no cohort and no account, several at a time: Moodle would make two cohorts of one idnumber, two rows of one role, or a
//! deadlock otherwise. What only the journal notes is reported without a call.

mod cohorts;
mod members;

use crate::engine::{Sender, not_tried};
use rollbook_core::guard::Cleared;
use rollbook_core::model::{CohortId, CommunityUserId, GuildUuid, MoodleUserId};
use rollbook_core::plan::{GuildChange, GuildPlan, MemberRef};
use rollbook_core::run::Outcome;
use rollbook_moodle::snapshot::GuildPreflight;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What became of one change.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedChange {
    /// The change's place in the plan.
    pub place: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// The cohort that it was about, also where the plan made it.
    pub cohort: Option<CohortId>,
    /// The account that it was about, also where the plan made it.
    pub user: Option<MoodleUserId>,
}

/// One change on its way.
#[derive(Clone, Copy)]
struct Item<'a> {
    place: usize,
    change: &'a GuildChange,
}

/// Applies the plan; what became of each change is reported as soon as it is known. The preflight is the proof that the
/// token sees enough.
pub(super) async fn apply_guilds(cleared: &Cleared<GuildPlan>, _: &GuildPreflight, sender: Sender<'_, AppliedChange>) {
    let run = Run { sender, made: Mutex::default() };
    let changes: Vec<Item<'_>> =
        cleared.plan().changes.iter().enumerate().map(|(place, change)| Item { place, change }).collect();
    // The plan's order is kept: equal kinds stand together in it.
    for phase in changes.chunk_by(|left, right| Phase::of(left.change) == Phase::of(right.change)) {
        let (notes, calls): (Vec<Item<'_>>, Vec<Item<'_>>) = phase.iter().partition(|item| item.change.is_note());
        run.note(&notes).await;
        let Some(first) = calls.first() else { continue };
        match Phase::of(first.change) {
            Phase::Accounts => run.make_accounts(&calls).await,
            Phase::Cohorts => run.change_cohorts(&calls).await,
            Phase::Additions | Phase::Removals => run.change_members(&calls).await,
            Phase::Roles => run.change_roles(&calls).await,
        }
    }
}

/// Changes that may be under way together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Accounts,
    Cohorts,
    Additions,
    Roles,
    Removals,
}

impl Phase {
    fn of(change: &GuildChange) -> Self {
        match change {
            GuildChange::CreateAccount(_) => Self::Accounts,
            GuildChange::CreateCohort { .. }
            | GuildChange::AdoptCohort { .. }
            | GuildChange::UpdateCohort { .. }
            | GuildChange::RetireCohort { .. } => Self::Cohorts,
            GuildChange::NoteMember(_) | GuildChange::AddMember(_) => Self::Additions,
            GuildChange::AssignRole(_)
            | GuildChange::ClaimRole(_)
            | GuildChange::UnassignRole(_)
            | GuildChange::ReleaseRole(_) => Self::Roles,
            GuildChange::RemoveMember(_) | GuildChange::ForgetMember(_) => Self::Removals,
        }
    }
}

/// What the plan has made so far.
#[derive(Default)]
struct MadeIds {
    cohorts: BTreeMap<GuildUuid, Result<CohortId, Outcome>>,
    accounts: BTreeMap<CommunityUserId, Result<MoodleUserId, Outcome>>,
}

/// One pass over a plan.
struct Run<'a> {
    sender: Sender<'a, AppliedChange>,
    made: Mutex<MadeIds>,
}

impl Run<'_> {
    fn made(&self) -> std::sync::MutexGuard<'_, MadeIds> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account that a change is about, or why there is none.
    fn resolve_user(&self, user: MemberRef) -> Result<MoodleUserId, Outcome> {
        match user {
            MemberRef::Account(id) => Ok(id),
            MemberRef::New(person) => match self.made().accounts.get(&person) {
                Some(Ok(id)) => Ok(*id),
                Some(Err(_)) | None => Err(not_tried("the account was not made")),
            },
        }
    }

    /// The cohort that a change is about, or why there is none.
    fn resolve_cohort(&self, guild: &GuildUuid, cohort: Option<CohortId>) -> Result<CohortId, Outcome> {
        let made = || self.made().cohorts.get(guild).and_then(|made| made.as_ref().ok().copied());
        cohort.or_else(made).ok_or_else(|| not_tried("the cohort was not made"))
    }

    /// Reports what only the journal notes. A note about an account that was not made is none.
    async fn note(&self, notes: &[Item<'_>]) {
        let applied = notes.iter().map(|Item { place, change }| {
            let user = match change {
                GuildChange::ClaimRole(role) | GuildChange::ReleaseRole(role) => Some(self.resolve_user(role.user)),
                other => other.user().map(Ok),
            };
            let cohort = match change {
                GuildChange::AdoptCohort { cohort, .. } | GuildChange::RetireCohort { cohort, .. } => Some(*cohort),
                GuildChange::NoteMember(member) | GuildChange::ForgetMember(member) => member.cohort,
                _ => None,
            };
            let (outcome, user) = match user.transpose() {
                Ok(user) => (Outcome::Done, user),
                Err(outcome) => (outcome, None),
            };
            AppliedChange { place: *place, outcome, cohort, user }
        });
        let applied = applied.collect();
        self.sender.report(applied).await;
    }
}

/// Lanes of items: those of one key are in one lane, in their order; small keys share a lane until it holds `most` items, or
/// less where there would be too few lanes to keep `lanes` busy.
fn part<K: Ord, T>(items: impl IntoIterator<Item = (K, T)>, most: usize, lanes: usize) -> Vec<Vec<T>> {
    let mut groups = BTreeMap::<K, Vec<T>>::new();
    for (key, item) in items {
        groups.entry(key).or_default().push(item);
    }
    let count: usize = groups.values().map(Vec::len).sum();
    let most = count.div_ceil(lanes.max(1)).clamp(1, most.max(1));
    let mut parts = Vec::new();
    let mut lane = Vec::new();
    for group in groups.into_values() {
        if !lane.is_empty() && lane.len() + group.len() > most {
            parts.push(std::mem::take(&mut lane));
        }
        lane.extend(group);
    }
    if !lane.is_empty() {
        parts.push(lane);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_key_is_never_in_two_lanes() {
        let items = (0..100).map(|n| (n % 7, n));
        let lanes = part(items, 20, 2);
        for (index, lane) in lanes.iter().enumerate() {
            let others = lanes.iter().skip(index + 1).flatten();
            assert!(others.into_iter().all(|other| lane.iter().all(|item| item % 7 != other % 7)));
        }
        assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), 100);
    }

    #[test]
    fn few_items_still_keep_every_lane_busy() {
        assert_eq!(part((0..10).map(|n| (n, n)), 100, 2).len(), 2);
        assert_eq!(part((0..10).map(|n| (0, n)), 4, 2).len(), 1, "one key is one lane, however long");
    }
}
