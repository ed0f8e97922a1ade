//! How a guilds link stands: both sites asked just now, the rest from the journal.

use super::GuildsFlow;
use super::collect::open;
use super::report::{GuildsError, Sites};
use jiff::SignedDuration;
use rollbook_clock::Clock;
use rollbook_core::model::PairState;
use rollbook_core::run::{RunKind, RunState};
use rollbook_journal::{GuildRow, Journal, PlanState, RunFilter, RunRow};

/// A synchronisation older than this is stale.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How both sites answer.
#[derive(Debug)]
pub enum SiteStatus {
    /// Both answer.
    Reached(Box<Sites>),
    /// One does not.
    Unreached(GuildsError),
}

/// A run as the dashboard shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// The run.
    pub run: RunRow,
    /// How long ago it ended.
    pub age: SignedDuration,
}

/// How a guilds link stands.
#[derive(Debug)]
pub struct GuildsStatus {
    /// The sites, unless they were not asked.
    pub sites: Option<SiteStatus>,
    /// The last full synchronisation that did something or found nothing to do.
    pub last: Option<LastRun>,
    /// Whether it is too long ago, or never was.
    pub stale: bool,
    /// The last run that did not end well, where no good one followed it.
    pub failure: Option<LastRun>,
    /// People in cohorts, each as often as they are in one.
    pub memberships: u64,
    /// People, each once.
    pub users: u64,
    /// Guilds with a live cohort.
    pub cohorts: u64,
    /// Guilds whose cohort was retired.
    pub archived: u64,
    /// The guilds.
    pub guilds: Vec<GuildRow>,
    /// Plans that wait for a person, by number.
    pub waiting: Vec<i64>,
}

/// Whether both sites are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They are.
    Sites,
    /// Only the journal is.
    JournalOnly,
}

/// Finds out how a link stands.
///
/// # Errors
/// [`GuildsError::Journal`] only: a site that does not answer is part of the answer.
pub async fn look_at_guilds(
    flow: &GuildsFlow,
    journal: &Journal,
    clock: &Clock,
    reach: Reach,
) -> Result<GuildsStatus, GuildsError> {
    let owned = journal.guilds().owned(&flow.link).await?;
    let sites = match reach {
        Reach::Sites => Some(match open(flow, &owned, clock, &mut |_| {}).await {
            Ok(open) => SiteStatus::Reached(Box::new(open.sites)),
            Err(error) => SiteStatus::Unreached(error),
        }),
        Reach::JournalOnly => None,
    };
    let filter = RunFilter { link: Some(flow.link.clone()), ..RunFilter::default() };
    let runs = journal.runs().list(&filter).await?;
    let now = clock.now();
    let aged = |run: &RunRow| LastRun { run: run.clone(), age: now.duration_since(run.ended.unwrap_or(run.started)) };
    let good = |run: &&RunRow| matches!(run.state, RunState::Done | RunState::Partly);
    let last = runs.iter().find(|run| run.kind == RunKind::Normal && good(run)).map(aged);
    // A good run for one guild or one person is no answer to a full one that did not end well.
    let ended = |run: &&RunRow| run.ended.is_some();
    let last_full = runs.iter().filter(ended).find(|run| run.kind == RunKind::Normal);
    let failure = runs.iter().find(ended).filter(|run| !good(run)).or(last_full.filter(|run| !good(run))).map(aged);
    let stale = last.as_ref().is_none_or(|last| last.age > STALE_AFTER);
    let mut guilds = journal.guilds().list(&flow.link).await?;
    for guild in &mut guilds {
        // What was counted by the last synchronisation may be of another time than what is owned.
        guild.members = owned.members_of(guild.pair.cohort);
    }
    let live = |state: PairState| guilds.iter().filter(move |row| row.pair.state == state).count() as u64;
    let (cohorts, archived) = (live(PairState::Live), live(PairState::Archived));
    let memberships = owned.members.values().map(|members| members.len() as u64).sum();
    let users: std::collections::BTreeSet<_> = owned.members.values().flat_map(|members| members.keys()).collect();
    let plans = journal.plans().list(Some(&flow.link), Some(PlanState::Blocked), None, 20).await?;
    Ok(GuildsStatus {
        sites,
        last,
        stale,
        failure,
        memberships,
        users: users.len() as u64,
        cohorts,
        archived,
        guilds,
        waiting: plans.into_iter().map(|plan| plan.id).collect(),
    })
}
