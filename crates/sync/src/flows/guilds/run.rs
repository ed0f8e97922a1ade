//! The flow on one screen: collect → plan → guard → record → apply → settle → report.

use super::act::{Leased, apply, credit_unfinished, note_sync, remember_plan, unfinished_changes};
use super::collect::{Open, World, collect_community, collect_moodle, full_policy, open};
use super::find::find_scope;
use super::report::{GuildsError, GuildsReport, Watch};
use super::{Ask, GuildsFlow, GuildsRequest, Purpose};
use crate::flows::lease::{Heartbeat, take_lease, told_stop};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::{Cleared, Finding, GuildView, Level, check_guilds, clear};
use rollbook_core::model::{Owned, RunId};
use rollbook_core::plan::{Digest, GuildInputs, GuildPlan, Scope, plan_guilds};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::report::with_causes;
use rollbook_core::run::{Counts, GuildCounts, RunKind, RunState};
use rollbook_journal::{Journal, NewRun, PlanState};
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
    let timer = clock.timer();
    let mut report = match request.purpose {
        Purpose::DryRun => {
            let mut made = make_plan(flow, journal, clock, &request.ask, None, watch).await?;
            let findings = std::mem::take(&mut made.findings);
            let state = if is_blocked(&findings) { RunState::GuardRefused } else { RunState::Done };
            made.into_report(flow, state, findings)
        }
        Purpose::Apply => {
            let lease = take_lease(journal, &flow.link, flow.lease, clock).await?;
            let heart = Heartbeat::start(journal, &lease, flow.lease, clock, stop).within(flow.limit);
            let leased = Leased { flow, journal, clock, lease: &lease, stop: heart.stop(), began: &timer };
            let report = run_leased(&leased, request, watch).await;
            heart.end().await;
            report?
        }
    };
    report.duration_ms = timer.elapsed_ms();
    report.calls = flow.moodle.call_counts();
    report.counts.calls = report.calls.iter().map(|call| call.calls).sum();
    report.requests = flow.community.requests();
    Ok(report)
}

/// A run that may change things: it begins and ends in the journal, whatever happens between.
async fn run_leased(
    with: &Leased<'_>,
    request: &GuildsRequest,
    watch: &mut (dyn FnMut(Watch<'_>) + Send),
) -> Result<GuildsReport, GuildsError> {
    let Leased { flow, journal, clock, lease, stop, began } = with;
    let kind = if request.ask == Ask::All { RunKind::Normal } else { RunKind::Scoped };
    let (url, author) = (flow.community_url.clone(), request.author.clone());
    let new = NewRun { flow: "guilds".to_owned(), kind, url, author };
    let run = journal.runs().start(lease, &new, clock.now()).await?;
    match work(with, request, &run, watch).await {
        Ok(mut report) => {
            if stop.is_cancelled() && report.state != RunState::GuardRefused {
                report.state = RunState::Stopped;
            }
            report.counts.calls = flow.moodle.call_counts().iter().map(|call| call.calls).sum();
            let blocks = report.findings.iter().filter(|finding| finding.level == Level::Block);
            let mut reason = blocks.map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let GuildCounts { refused, open, .. } = report.counts;
            if refused + open > 0 {
                reason = format!("{refused} changes were refused, {open} are open");
            }
            if report.state == RunState::Stopped {
                reason = told_stop(began, flow.limit, &reason);
            }
            journal.runs().finish(lease, &run, report.state, &totals(&report.counts), &reason, clock.now()).await?;
            report.run = Some(run);
            Ok(report)
        }
        Err(error) => {
            let (state, reason) = match &error {
                GuildsError::Stopped => (RunState::Stopped, told_stop(began, flow.limit, "")),
                error => (RunState::Failed, with_causes(error)),
            };
            let ended = journal.runs().finish(lease, &run, state, &Counts::default(), &reason, clock.now()).await;
            if let Err(second) = ended {
                tracing::error!(error = %second, "the end of a run could not be recorded; the next one notices");
            }
            Err(error)
        }
    }
}

/// collect → plan → guard → record → apply (and settle) → report
async fn work(
    with: &Leased<'_>,
    request: &GuildsRequest,
    run: &RunId,
    watch: &mut (dyn FnMut(Watch<'_>) + Send),
) -> Result<GuildsReport, GuildsError> {
    let Leased { flow, journal, clock, .. } = with;
    let mut made = make_plan(flow, journal, clock, &request.ask, Some((with, run)), watch).await?;
    let findings = std::mem::take(&mut made.findings);
    let (approved, approval) = journal.plans().approval(&flow.link, clock.now()).await?.unzip();
    let digest = made.plan.digest();
    match clear(made.plan.clone(), digest, findings.clone(), approval.as_ref(), clock.now()) {
        Err(_) => {
            let waiting = remember_plan(with, run, &made.plan, &findings, PlanState::Blocked, None).await?;
            let mut report = made.into_report(flow, RunState::GuardRefused, findings);
            report.waiting = waiting;
            Ok(report)
        }
        Ok(cleared) => {
            let used = approved.filter(|_| cleared.approved_by().is_some());
            remember_plan(with, run, &made.plan, &findings, PlanState::Cleared, used).await?;
            let applied = if cleared.plan().changes.is_empty() {
                Vec::new()
            } else {
                watch(Watch::Planned(cleared.plan()));
                apply(with, run, &cleared, &made.open.preflight, &made.world, watch).await?
            };
            note_sync(with, &cleared, &applied).await?;
            let approved_by = Cleared::approved_by(&cleared).map(str::to_owned);
            let mut report = made.into_report(flow, RunState::Done, findings);
            report.count(applied);
            report.approved_by = approved_by;
            Ok(report)
        }
    }
}

/// What a plan was made from, and the plan.
struct Made {
    open: Open,
    world: World,
    seen: super::report::Seen,
    scope: Scope,
    plan: GuildPlan,
    findings: Vec<Finding>,
    credited: u64,
}

/// collect → plan → guard. A run that may write also records what an earlier one is given credit for.
async fn make_plan(
    flow: &GuildsFlow,
    journal: &Journal,
    clock: &Clock,
    ask: &Ask,
    recorded: Option<(&Leased<'_>, &RunId)>,
    watch: &mut (dyn FnMut(Watch<'_>) + Send),
) -> Result<Made, GuildsError> {
    let mut owned = journal.guilds().owned(&flow.link).await?;
    let unfinished = unfinished_changes(journal, &flow.link).await?;
    let reading = Box::pin(async {
        let open = open(flow, &owned, clock, watch).await?;
        let policy = full_policy(flow, &open.preflight).await?;
        let scope = find_scope(flow, &open.community, &owned, ask).await?;
        let (community, seen) = collect_community(flow, &open, &owned, &scope, clock).await?;
        watch(Watch::Seen(&community, seen));
        let community = (&open.community, community);
        let world = collect_moodle(flow, community, &owned, &scope, &unfinished, &policy, clock).await?;
        Ok::<_, GuildsError>((open, policy, scope, seen, world))
    });
    // What only reads is given up at once where a stop is asked for.
    let stop = recorded.map_or_else(CancellationToken::new, |(with, _)| with.stop.clone());
    let (open, policy, scope, seen, world) = stop.run_until_cancelled(reading).await.ok_or(GuildsError::Stopped)??;
    let credited = credit_unfinished(&unfinished, &world, &policy, &mut owned, recorded).await?;
    let waiting = waiting_plan(journal, flow, clock.now()).await?;
    let (plan, findings) = plan(flow, &world, &owned, &scope, &policy, waiting.as_ref(), clock);
    Ok(Made { open, world, seen, scope, plan, findings, credited })
}

fn plan(
    flow: &GuildsFlow,
    world: &World,
    owned: &Owned,
    scope: &Scope,
    policy: &GuildPolicy,
    waiting: Option<&Digest>,
    clock: &Clock,
) -> (GuildPlan, Vec<Finding>) {
    let World { community, moodle, directory } = world;
    let inputs = GuildInputs { link: &flow.link, scope, community, moodle, directory, owned, waiting };
    let plan = plan_guilds(&inputs, policy, clock.now());
    let findings = check_guilds(&GuildView { plan: &plan, inputs: &inputs, policy, now: clock.now() });
    (plan, findings)
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

impl Made {
    fn into_report(self, flow: &GuildsFlow, state: RunState, findings: Vec<Finding>) -> GuildsReport {
        let Self { open, world, seen, scope, plan, findings: _, credited } = self;
        let unchanged = plan.guilds.iter().map(|line| line.unchanged).sum();
        let waiting = plan.skips.iter().filter(|skip| skip.reason.leaves_undone()).count() as u64;
        let counts = GuildCounts { guilds: seen.guilds, unchanged, waiting, ..GuildCounts::default() };
        let state = if state == RunState::Done && waiting > 0 { RunState::Partly } else { state };
        tracing::debug!(link = %flow.link, guilds = seen.guilds, unchanged, waiting, "planned");
        GuildsReport {
            run: None,
            state,
            scope,
            sites: open.sites,
            seen,
            community: world.community,
            plan,
            findings,
            waiting: None,
            approved_by: None,
            applied: Vec::new(),
            credited,
            counts,
            calls: Vec::new(),
            requests: 0,
            duration_ms: 0,
        }
    }
}

fn is_blocked(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Block)
}

/// The numbers as every flow has them.
fn totals(counts: &GuildCounts) -> Counts {
    let GuildCounts { added, removed, unchanged, accounts, waiting, refused, open, calls, .. } = *counts;
    Counts {
        records: added + removed + unchanged,
        enrolled: added,
        suspended: removed,
        errors: refused,
        skipped: unchanged,
        waiting: waiting + open,
        accounts,
        mails: 0,
        calls,
    }
}
