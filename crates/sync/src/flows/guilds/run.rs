//! One run of guilds, as the engine takes it.

use super::apply::{AppliedChange, apply_guilds};
use super::collect::{Open, World, collect_community, collect_moodle, open};
use super::find::find_scope;
use super::record::{credit_unfinished, note_sync, record_bundle, unfinished_changes};
use super::report::{GuildsError, GuildsReport, Seen, Watch};
use super::{GuildsFlow, GuildsQuery, GuildsRequest};
use crate::engine::{Decided, Flow, Run, Sender, Timing, Write, protect, run, send_and_record};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::{Cleared, Decision, Finding, GuildView, check_guilds};
use rollbook_core::model::{LinkName, Owned};
use rollbook_core::plan::{GuildChange, GuildInputs, GuildPlan, Scope, plan_guilds};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::run::{GuildCounts, RunKind, RunState};
use rollbook_journal::{Journal, JournalError, NewRun, OpenPlan};
use rollbook_moodle::client::MoodleClient;
use rollbook_moodle::snapshot::CohortSourceError;
use serde::Deserialize;
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
    let guilds = GuildsRun { flow, request, watch, known: None, scope: None, report: None };
    let report = run(guilds, journal, clock, request.purpose, stop).await;
    report.map(|report| GuildsReport { requests: flow.community.requests(), ..report })
}

struct GuildsRun<'a> {
    flow: &'a GuildsFlow,
    request: &'a GuildsRequest,
    watch: &'a mut (dyn FnMut(Watch<'_>) + Send),
    /// What the journal knows; taken by the reading.
    known: Option<Known>,
    /// What the run is about, once the community has said what was meant.
    scope: Option<Scope>,
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
        self.scope = Some(scope.clone());
        Ok(Some(Part { open, world, owned, seen, scope, policy, credited }))
    }

    fn plan(&self, part: &Part, now: Timestamp) -> Result<GuildPlan, GuildsError> {
        Ok(plan_guilds(&part.inputs(&self.flow.link), &part.policy, now))
    }

    fn check(&self, part: &Part, plan: &GuildPlan, now: Timestamp) -> Vec<Finding> {
        let inputs = &part.inputs(&self.flow.link);
        check_guilds(&GuildView { plan, inputs, policy: &part.policy, now })
    }

    /// A run over all guilds has looked at everything; another one at what a plan of the same scope is about.
    fn covers(&self, plan: &OpenPlan, _: RunKind) -> bool {
        #[derive(Deserialize)]
        struct Scoped {
            scope: Scope,
        }
        let same = |scope: &Scope| serde_json::from_str::<Scoped>(&plan.body).is_ok_and(|plan| plan.scope == *scope);
        self.scope.as_ref().is_some_and(|scope| *scope == Scope::All || same(scope))
    }

    fn show(&mut self, part: Part, decided: Decided<GuildPlan>) {
        self.report = Some(part.report(&self.flow.link, decided));
    }

    async fn apply(&mut self, write: &Write<'_>, part: Part, decided: Decided<GuildPlan>) -> Result<(), GuildsError> {
        let cleared = &decided.decision.cleared;
        let applied = self.send(write, &part, cleared).await?;
        note_sync(write, cleared.plan(), &applied).await?;
        let mut all: Vec<Option<AppliedChange>> = decided.plan.changes.iter().map(|_| None).collect();
        for (place, applied) in cleared.places().iter().zip(applied) {
            all[*place] = applied.map(|applied| AppliedChange { place: *place, ..applied });
        }
        let mut report = part.report(&self.flow.link, decided);
        report.count(all);
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

impl Part {
    fn inputs<'a>(&'a self, link: &'a LinkName) -> GuildInputs<'a> {
        let Self { world: World { community, moodle, directory }, owned, scope, .. } = self;
        GuildInputs { link, scope, community, moodle, directory, owned }
    }

    fn report(self, link: &LinkName, decided: Decided<GuildPlan>) -> GuildsReport {
        let Self { open, world, seen, scope, credited, .. } = self;
        let is_held = decided.is_held();
        let Decided { plan, decision: Decision { cleared, findings, held, .. }, waiting: stored } = decided;
        let unchanged = plan.guilds.iter().map(|line| line.unchanged).sum();
        let waiting = plan.skips.iter().filter(|skip| skip.reason.leaves_undone()).count() as u64;
        let counts = GuildCounts { guilds: seen.guilds, unchanged, waiting, ..GuildCounts::default() };
        let state = match is_held {
            true => RunState::GuardRefused,
            false if waiting > 0 => RunState::Partly,
            false => RunState::Done,
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
            held,
            waiting: stored,
            approved_by: cleared.approved_by().map(str::to_owned),
            applied: Vec::new(),
            credited,
            counts,
            calls: Vec::new(),
            requests: 0,
            duration_ms: 0,
        }
    }
}
