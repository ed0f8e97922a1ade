//! One run of guilds, as the engine takes it.

use super::apply::{AppliedChange, apply_guilds};
use super::collect::{Open, World, collect_community, collect_moodle, open};
use super::find::find_scope;
use super::record::{credit_unfinished, note_sync, record_bundle, unfinished_changes};
use super::report::{GuildsError, GuildsReport, Seen, Watch};
use super::{GuildsFlow, GuildsQuery, GuildsRequest};
use crate::engine::{Decided, Flow, Plan, Run, Sender, Timing, Write, protect, run, send_and_record};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::{Cleared, Finding, GuildView, check_guilds};
use rollbook_core::model::{LinkName, Owned};
use rollbook_core::plan::{Digest, GuildChange, GuildInputs, GuildPlan, Scope, plan_guilds};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::run::{GuildCounts, RunKind, RunState};
use rollbook_journal::{Journal, JournalError, NewRun, PlanState};
use rollbook_moodle::client::MoodleClient;
use rollbook_moodle::snapshot::CohortSourceError;
use tokio_util::sync::CancellationToken;

/// Runs guilds once; `watch` hears what is known as soon as it is.
///
/// # Errors
/// [`GuildsError`]; the run is in the journal with its reason, except where the journal itself failed.
pub async fn run_guilds(
    flow: &GuildsFlow,
    journal: &Journal,
    clock: &Clock,
    request: &GuildsRequest,
    stop: &CancellationToken,
    watch: &mut (dyn FnMut(Watch<'_>) + Send),
) -> Result<GuildsReport, GuildsError> {
    let guilds = GuildsRun { flow, request, watch, known: None, report: None };
    let report = run(guilds, journal, clock, request.purpose, stop).await;
    report.map(|report| GuildsReport { requests: flow.community.requests(), ..report })
}

struct GuildsRun<'a> {
    flow: &'a GuildsFlow,
    request: &'a GuildsRequest,
    watch: &'a mut (dyn FnMut(Watch<'_>) + Send),
    /// What the journal knows; taken by the reading.
    known: Option<Known>,
    report: Option<GuildsReport>,
}

struct Known {
    owned: Owned,
    /// What the runs since the last one that ended well had set out to do.
    unfinished: Vec<GuildChange>,
}

/// What a plan is made from.
struct Part {
    open: Open,
    world: World,
    owned: Owned,
    seen: Seen,
    scope: Scope,
    policy: GuildPolicy,
    credited: u64,
    waiting: Option<Digest>,
}

impl Plan for GuildPlan {
    fn digest(&self) -> Digest {
        Self::digest(self)
    }

    fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Flow for GuildsRun<'_> {
    type World = Part;
    type Plan = GuildPlan;
    type Report = GuildsReport;
    type Error = GuildsError;

    fn link(&self) -> &LinkName {
        &self.flow.link
    }

    fn timing(&self) -> Timing {
        Timing { lease: self.flow.lease, limit: self.flow.limit }
    }

    fn moodle(&self) -> &MoodleClient {
        &self.flow.moodle
    }

    async fn begin(&mut self, run: &Run<'_>) -> Result<NewRun, GuildsError> {
        let GuildsFlow { link, community_url, .. } = self.flow;
        let owned = run.journal.guilds().owned(link).await?;
        let unfinished = unfinished_changes(run.journal, link).await?;
        self.known = Some(Known { owned, unfinished });
        let kind = if self.request.query == GuildsQuery::All { RunKind::Normal } else { RunKind::Scoped };
        let (url, author) = (community_url.clone(), self.request.author.clone());
        Ok(NewRun { flow: "guilds".to_owned(), kind, url, author })
    }

    async fn collect(&mut self, run: &Run<'_>) -> Result<Option<Part>, GuildsError> {
        let Some(Known { mut owned, unfinished }) = self.known.take() else { return Ok(None) };
        let (flow, clock) = (self.flow, run.clock);
        let open = open(flow, &owned, clock, self.watch).await?;
        let mut policy = flow.policy.clone();
        let protected = protect(&policy.protected, open.preflight.service_account(), flow.database.as_ref());
        policy.protected = protected.await.map_err(CohortSourceError::from)?;
        let scope = find_scope(flow, &open.community, &owned, &self.request.query).await?;
        let (community, seen) = collect_community(flow, &open, &owned, &scope, clock).await?;
        (self.watch)(Watch::Seen(&community, seen));
        let community = (&open.community, community);
        let world = collect_moodle(flow, community, &owned, &scope, &unfinished, &policy, clock).await?;
        let credited = credit_unfinished(&unfinished, &world, &policy, &mut owned, run.write()).await?;
        let waiting = waiting_plan(run.journal, flow, clock.now()).await?;
        Ok(Some(Part { open, world, owned, seen, scope, policy, credited, waiting }))
    }

    fn plan(&self, part: &Part, now: Timestamp) -> Result<(GuildPlan, Vec<Finding>), GuildsError> {
        let Part { world: World { community, moodle, directory }, owned, scope, policy, waiting, .. } = part;
        let (link, waiting) = (&self.flow.link, waiting.as_ref());
        let inputs = GuildInputs { link, scope, community, moodle, directory, owned, waiting };
        let plan = plan_guilds(&inputs, policy, now);
        let findings = check_guilds(&GuildView { plan: &plan, inputs: &inputs, policy, now });
        Ok((plan, findings))
    }

    fn show(&mut self, part: Part, decided: Decided<GuildPlan>) {
        self.report = Some(part.report(&self.flow.link, decided));
    }

    async fn apply(&mut self, write: &Write<'_>, part: Part, decided: Decided<GuildPlan>) -> Result<(), GuildsError> {
        let mut applied = None;
        if let Some(cleared) = &decided.cleared {
            let outcomes = self.send(write, &part, cleared).await?;
            note_sync(write, cleared, &outcomes).await?;
            applied = Some(outcomes);
        }
        let mut report = part.report(&self.flow.link, decided);
        if let Some(applied) = applied {
            report.count(applied);
        }
        self.report = Some(report);
        Ok(())
    }

    fn report(self) -> Result<GuildsReport, GuildsError> {
        self.report.ok_or(GuildsError::Stopped)
    }

    fn state_after(error: &GuildsError) -> RunState {
        if matches!(error, GuildsError::Stopped) { RunState::Stopped } else { RunState::Failed }
    }
}

impl GuildsRun<'_> {
    /// Sends the changes; gives what became of each, by its place in the plan.
    async fn send(
        &mut self,
        write: &Write<'_>,
        part: &Part,
        cleared: &Cleared<GuildPlan>,
    ) -> Result<Vec<Option<AppliedChange>>, JournalError> {
        let changes = &cleared.plan().changes;
        let mut applied: Vec<Option<AppliedChange>> = changes.iter().map(|_| None).collect();
        if changes.is_empty() {
            return Ok(applied);
        }
        (self.watch)(Watch::Planned(cleared.plan()));
        let apply = async |sender: Sender<'_, AppliedChange>| {
            apply_guilds(cleared, &part.open.preflight, sender).await;
        };
        let record = async |bundle: Vec<AppliedChange>| {
            let recorded = record_bundle(write, changes, &bundle, &part.world).await;
            (self.watch)(Watch::Applied(bundle.len()));
            for change in bundle {
                let place = change.place;
                applied[place] = Some(change);
            }
            recorded
        };
        let GuildsFlow { moodle, concurrency, .. } = self.flow;
        send_and_record(moodle, &write.lease, *concurrency, apply, record).await?;
        Ok(applied)
    }
}

/// The full plan that waits for a person: scoped ones may not remove meanwhile.
async fn waiting_plan(journal: &Journal, flow: &GuildsFlow, now: Timestamp) -> Result<Option<Digest>, GuildsError> {
    for state in [PlanState::Blocked, PlanState::Approved] {
        for row in journal.plans().list(Some(&flow.link), Some(state), None, 20).await? {
            let over = row.expires.is_some_and(|expires| expires <= now);
            let full = journal.runs().find(row.run.as_str()).await?.kind == RunKind::Normal;
            if full && !over {
                return Ok(Some(row.digest));
            }
        }
    }
    Ok(None)
}

impl Part {
    fn report(self, link: &LinkName, decided: Decided<GuildPlan>) -> GuildsReport {
        let Self { open, world, seen, scope, credited, .. } = self;
        let Decided { plan, findings, cleared, waiting: stored, .. } = decided;
        let unchanged = plan.guilds.iter().map(|line| line.unchanged).sum();
        let waiting = plan.skips.iter().filter(|skip| skip.reason.leaves_undone()).count() as u64;
        let counts = GuildCounts { guilds: seen.guilds, unchanged, waiting, ..GuildCounts::default() };
        let state = match &cleared {
            None => RunState::GuardRefused,
            Some(_) if waiting > 0 => RunState::Partly,
            Some(_) => RunState::Done,
        };
        tracing::debug!(%link, guilds = seen.guilds, unchanged, waiting, "planned");
        GuildsReport {
            run: None,
            state,
            scope,
            sites: open.sites,
            seen,
            community: world.community,
            plan,
            findings,
            waiting: stored,
            approved_by: cleared.as_ref().and_then(Cleared::approved_by).map(str::to_owned),
            applied: Vec::new(),
            credited,
            counts,
            calls: Vec::new(),
            requests: 0,
            duration_ms: 0,
        }
    }
}
