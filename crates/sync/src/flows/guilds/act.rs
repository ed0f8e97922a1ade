//! Record → apply: the plan before any effect, and what becomes of each change as soon as it is known.

use super::GuildsFlow;
use super::collect::World;
use super::report::{GuildsError, GuildsReport, Watch};
use crate::apply::{AppliedChange, GuildWork, apply_guilds};
use rollbook_clock::{Clock, Timer};
use rollbook_core::desired::{Member, match_people};
use rollbook_core::guard::{Cleared, Finding};
use rollbook_core::model::{CommunityUserId, Guid, GuildUuid, LinkName, Owned, RunId};
use rollbook_core::plan::{GuildChange, GuildPlan};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::run::{EventKind, Outcome, OwnedEdit, RunState, credit, edits_of};
use rollbook_journal::{GuildSync, Journal, Lease, NewEvent, NewPlan, Ownership, PlanState, RunFilter};
use rollbook_moodle::snapshot::GuildPreflight;
use serde_json::json;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// So many reports may wait for the journal before applying waits too.
const REPORTS_AHEAD_MAX: usize = 8;
/// So many runs are looked back at for one that did not end well.
const RUNS_BACK_MAX: u32 = 20;

/// What a leased run works with.
pub(super) struct Leased<'a> {
    pub flow: &'a GuildsFlow,
    pub journal: &'a Journal,
    pub clock: &'a Clock,
    pub lease: &'a Lease,
    pub stop: CancellationToken,
    pub began: &'a Timer,
}

/// What the runs since the last one that ended well had set out to do.
pub(super) async fn unfinished_changes(journal: &Journal, link: &LinkName) -> Result<Vec<GuildChange>, GuildsError> {
    let filter = RunFilter { link: Some(link.clone()), limit: RUNS_BACK_MAX, ..RunFilter::default() };
    let mut changes = Vec::new();
    for run in journal.runs().list(&filter).await? {
        match run.state {
            RunState::Done => break,
            RunState::GuardRefused => continue,
            RunState::Running | RunState::Partly | RunState::Failed | RunState::Stopped | RunState::Abandoned => {}
        }
        let Some(row) = journal.plans().of_run(&run.id).await? else { continue };
        if row.state != PlanState::Cleared {
            continue;
        }
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
    recorded: Option<(&Leased<'_>, &RunId)>,
) -> Result<u64, GuildsError> {
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
    if let (Some((with, run)), false) = (recorded, credited.is_empty()) {
        let payload = |change: &GuildChange| json!({"change": change, "text": change.to_string(), "outcome": "done"});
        let events: Vec<NewEvent> =
            credited.iter().map(|(change, _)| NewEvent::of(EventKind::Settled, payload(change))).collect();
        let edits: Vec<Ownership> = credited.into_iter().flat_map(|(_, edits)| edits).map(to_ownership).collect();
        with.journal.guilds().record_ownership(with.lease, run, &edits, &events, with.clock.now()).await?;
    }
    Ok(count)
}

/// The plan, before any effect. Gives its number where it waits for a person.
pub(super) async fn remember_plan(
    with: &Leased<'_>,
    run: &RunId,
    plan: &GuildPlan,
    findings: &[Finding],
    state: PlanState,
    approval: Option<i64>,
) -> Result<Option<i64>, GuildsError> {
    if plan.changes.is_empty() {
        // There is nothing to approve, but what was found shall be known.
        let events: Vec<NewEvent> =
            findings.iter().map(|finding| NewEvent::of(EventKind::Finding, json!(finding))).collect();
        with.journal.runs().append_events(with.lease, run, &events, with.clock.now()).await?;
        return Ok(None);
    }
    let body = serde_json::to_string(plan).expect("a plan is plain data");
    let stored = NewPlan { digest: &plan.digest(), body: &body, findings, state, approval };
    let id = with.journal.plans().store(with.lease, run, &stored, &[], with.clock.now()).await?;
    Ok((state == PlanState::Blocked).then_some(id))
}

/// Applies a cleared plan; what becomes of each part is recorded as soon as it is known.
pub(super) async fn apply(
    with: &Leased<'_>,
    run: &RunId,
    cleared: &Cleared<GuildPlan>,
    preflight: &GuildPreflight,
    world: &World,
    watch: &mut (dyn FnMut(Watch<'_>) + Send),
) -> Result<Vec<Option<AppliedChange>>, GuildsError> {
    let Leased { flow, lease, stop, .. } = with;
    let (reader, writer) = (flow.moodle.reader(), flow.moodle.writer());
    let work = GuildWork { reader: &reader, writer: &writer, preflight, lease, concurrency: flow.concurrency, stop };
    let (report, mut reports) = mpsc::channel::<Vec<AppliedChange>>(REPORTS_AHEAD_MAX);
    let changes = &cleared.plan().changes;
    let mut applied: Vec<Option<AppliedChange>> = changes.iter().map(|_| None).collect();
    let record = async {
        while let Some(bundle) = reports.recv().await {
            let recorded = record_bundle(with, run, changes, &bundle, world).await;
            watch(Watch::Applied(bundle.len()));
            for change in bundle {
                let place = change.place;
                applied[place] = Some(change);
            }
            if recorded.is_err() {
                // Nothing further is sent once the journal cannot say what was.
                reports.close();
                return recorded;
            }
        }
        Ok(())
    };
    let ((), recorded) = tokio::join!(apply_guilds(cleared, &work, report), record);
    recorded?;
    Ok(applied)
}

async fn record_bundle(
    with: &Leased<'_>,
    run: &RunId,
    changes: &[GuildChange],
    bundle: &[AppliedChange],
    world: &World,
) -> Result<(), GuildsError> {
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
    Ok(with.journal.guilds().record_ownership(with.lease, run, &edits, &events, with.clock.now()).await?)
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
    with: &Leased<'_>,
    cleared: &Cleared<GuildPlan>,
    applied: &[Option<AppliedChange>],
) -> Result<(), GuildsError> {
    let plan = cleared.plan();
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
    Ok(with.journal.guilds().record_sync(with.lease, &sync, with.clock.now()).await?)
}

impl GuildsReport {
    /// Counts what became of the changes, and judges the run by it.
    pub(super) fn count(&mut self, applied: Vec<Option<AppliedChange>>) {
        for (change, applied) in self.plan.changes.iter().zip(&applied) {
            let unsent = Outcome::NotTried { why: "nothing was heard of it".to_owned() };
            self.counts.add(change, applied.as_ref().map_or(&unsent, |applied| &applied.outcome));
        }
        self.applied = applied;
        let undone = self.counts.refused + self.counts.open;
        if undone > 0 && undone == self.plan.changes.len() as u64 {
            self.state = RunState::Failed;
        } else if undone > 0 && self.state == RunState::Done {
            self.state = RunState::Partly;
        }
    }
}
