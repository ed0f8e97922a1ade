//! Record: what Rollbook owns, what became of each change, and what an earlier run did and never said.

use super::apply::AppliedChange;
use super::collect::World;
use super::report::GuildsReport;
use crate::engine::Write;
use rollbook_core::desired::{Member, match_people};
use rollbook_core::model::{CommunityUserId, Guid, GuildUuid, LinkName, Owned};
use rollbook_core::plan::{GuildChange, GuildPlan};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::run::{EventKind, Outcome, OwnedEdit, RunState, credit, edits_of};
use rollbook_journal::{GuildSync, Journal, JournalError, NewEvent, Ownership, RunFilter};
use serde_json::json;
use std::collections::BTreeMap;

/// So many runs are looked back at for one that did not end well.
const RUNS_BACK_MAX: u32 = 20;

async fn own(write: &Write<'_>, edits: &[Ownership], events: &[NewEvent]) -> Result<(), JournalError> {
    write.journal.guilds().record_ownership(write.lease.lease(), &write.run, edits, events, write.clock.now()).await
}

/// What the runs since the last one that ended well had set out to do.
pub(super) async fn unfinished_changes(journal: &Journal, link: &LinkName) -> Result<Vec<GuildChange>, JournalError> {
    let filter = RunFilter { link: Some(link.clone()), limit: RUNS_BACK_MAX, ..RunFilter::default() };
    let mut changes = Vec::new();
    for run in journal.runs().list(&filter).await? {
        match run.state {
            RunState::Done => break,
            RunState::GuardRefused
            | RunState::Running
            | RunState::Partly
            | RunState::Failed
            | RunState::Stopped
            | RunState::Abandoned => {}
        }
        let Some(row) = journal.plans().cleared_of_run(&run.id).await? else { continue };
        // A plan of another version that cannot be read gives no credit; nothing is lost but ownership of its last changes.
        match serde_json::from_str::<GuildPlan>(&row.body) {
            Ok(plan) => changes.extend(plan.changes),
            Err(error) => tracing::warn!(%error, plan = row.id, "a stored plan cannot be read"),
        }
    }
    Ok(changes)
}

/// Gives credit for what those runs did and never said; records it where a run may.
pub(super) async fn credit_unfinished(
    unfinished: &[GuildChange],
    world: &World,
    policy: &GuildPolicy,
    owned: &mut Owned,
    write: Option<&Write<'_>>,
) -> Result<u64, JournalError> {
    if unfinished.is_empty() {
        return Ok(0);
    }
    let people = match_people(&world.community.value, &world.directory, policy);
    let account_of = |person: CommunityUserId| match people.get(&person) {
        Some(Member::Account(account)) => Some(account.id),
        Some(Member::New(_) | Member::SkipReason(_)) | None => None,
    };
    let credited = credit(unfinished, &world.moodle.value, account_of, owned);
    let count = credited.len() as u64;
    if let (Some(write), false) = (write, credited.is_empty()) {
        let payload = |change: &GuildChange| json!({"change": change, "text": change.to_string(), "outcome": "done"});
        let events: Vec<NewEvent> =
            credited.iter().map(|(change, _)| NewEvent::of(EventKind::Settled, payload(change))).collect();
        let edits: Vec<Ownership> = credited.into_iter().flat_map(|(_, edits)| edits).map(to_ownership).collect();
        own(write, &edits, &events).await?;
    }
    Ok(count)
}

/// Records what became of some changes, and what Rollbook owns by that.
pub(super) async fn record_bundle(
    write: &Write<'_>,
    changes: &[GuildChange],
    bundle: &[AppliedChange],
    world: &World,
) -> Result<(), JournalError> {
    let mut edits = Vec::new();
    let mut events = Vec::with_capacity(bundle.len());
    for AppliedChange { place, outcome, cohort, user } in bundle {
        let change = &changes[*place];
        edits.extend(edits_of(change, outcome, *cohort, *user).into_iter().map(to_ownership));
        let guild = change.guild();
        let payload = json!({
            "text": change.to_string(), "outcome": outcome, "guild": guild, "cohort": cohort, "user": user,
        });
        let account = user.and_then(|user| world.directory.with_id(user).flatten());
        let guid = account.filter(|account| !account.guid.is_empty()).map(|account| Guid::new(account.guid.as_str()));
        events.push(NewEvent { guid, ..NewEvent::of(EventKind::Applied, payload) });
    }
    own(write, &edits, &events).await
}

fn to_ownership(edit: OwnedEdit) -> Ownership {
    match edit {
        OwnedEdit::PutPair(guild, pair) => Ownership::Pair(guild, pair),
        OwnedEdit::DropPair(guild, cohort) => Ownership::NoPair(guild, cohort),
        OwnedEdit::PutMember(cohort, user, person) => Ownership::Member(cohort, user, person),
        OwnedEdit::DropMember(cohort, user) => Ownership::NoMember(cohort, user),
        OwnedEdit::PutClaim(assignment, guild, person) => Ownership::Role(assignment, guild, person),
        OwnedEdit::DropClaim(assignment, guild) => Ownership::NoRole(assignment, guild),
    }
}

/// Keeps what each guild's synchronisation came to. One person's says nothing about a guild.
pub(super) async fn note_sync(
    write: &Write<'_>,
    plan: &GuildPlan,
    applied: &[Option<AppliedChange>],
) -> Result<(), JournalError> {
    if !plan.scope.covers_cohorts() {
        return Ok(());
    }
    let mut numbers = BTreeMap::<&GuildUuid, [u64; 3]>::new();
    for (change, applied) in plan.changes.iter().zip(applied) {
        let Some(guild) = change.guild() else { continue };
        let outcome = applied.as_ref().map(|applied| &applied.outcome);
        let done = matches!(outcome, Some(Outcome::Done | Outcome::AlreadySo));
        let counts = numbers.entry(guild).or_default();
        match (change, done) {
            (GuildChange::AddMember(_), true) => counts[0] += 1,
            (GuildChange::RemoveMember(_), true) => counts[1] += 1,
            (_, true) => {}
            (_, false) => counts[2] += 1,
        }
    }
    let sync = plan.guilds.iter().map(|line| {
        let [added, removed, failed] = numbers.get(&line.guild).copied().unwrap_or_default();
        let skips = plan.skips.iter().filter(|skip| skip.guild.as_ref() == Some(&line.guild)).count();
        let stats = json!({
            "members": line.members, "added": added, "removed": removed, "unchanged": line.unchanged, "failed": failed,
            "skipped": skips,
        });
        GuildSync { uuid: line.guild.clone(), members: line.unchanged + added, stats }
    });
    let sync: Vec<GuildSync> = sync.collect();
    write.journal.guilds().record_sync(write.lease.lease(), &sync, write.clock.now()).await
}

impl GuildsReport {
    /// Counts what became of the changes, and judges the run by it.
    pub(super) fn count(&mut self, applied: Vec<Option<AppliedChange>>) {
        for (place, (change, applied)) in self.plan.changes.iter().zip(&applied).enumerate() {
            if self.held.contains(&place) {
                self.counts.waiting += 1;
                continue;
            }
            let unsent = Outcome::NotTried { why: "nothing was heard of it".to_owned() };
            self.counts.add(change, applied.as_ref().map_or(&unsent, |applied| &applied.outcome));
        }
        self.applied = applied;
        let undone = self.counts.refused + self.counts.open;
        let sent = (self.plan.changes.len() - self.held.len()) as u64;
        if undone > 0 && undone == sent && self.held.is_empty() {
            self.state = RunState::Failed;
        } else if undone > 0 && self.state == RunState::Done {
            self.state = RunState::Partly;
        }
    }
}
