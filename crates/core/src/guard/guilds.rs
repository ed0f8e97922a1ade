//! The checks of guilds; every one is on by default. Those about the community's answer are in `guilds_sources`.

use super::guilds_sources::{canary, completeness, empty_source, identity, missing_guilds};
use super::{Finding, Guarded, places, share, stale_plan};
use crate::model::{CohortId, CommunityUserId, GuildUuid, LinkName, PairState, counted_as};
use crate::plan::{GuildChange, GuildInputs, GuildPlan, MemberRef, Retire};
use crate::policy::GuildPolicy;
use crate::verdict::SkipReason;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What the checks of guilds look at.
#[derive(Clone, Copy, Debug)]
pub struct GuildView<'a> {
    /// The plan.
    pub plan: &'a GuildPlan,
    /// What it was made from.
    pub inputs: &'a GuildInputs<'a>,
    /// The rules.
    pub policy: &'a GuildPolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

/// Runs every check of guilds over a plan.
pub fn check_guilds(view: &GuildView<'_>) -> Vec<Finding> {
    let checks = [
        identity,
        canary,
        completeness,
        empty_source,
        missing_guilds,
        removals,
        protected,
        vanished_cohorts,
        machine_names,
        doubtful_identity,
        new_accounts,
        stale,
    ];
    checks.iter().flat_map(|check| check(view)).collect()
}

impl Guarded for GuildPlan {
    fn link(&self) -> &LinkName {
        &self.link
    }

    /// By what a change is about: a cohort that the plan makes has no number yet when it is made again, and names change.
    fn keys(&self) -> Vec<String> {
        let key = |change: &GuildChange| match change {
            GuildChange::CreateAccount(new) => format!("account of {}", new.person),
            GuildChange::CreateCohort { guild, .. } => format!("cohort of {guild}"),
            GuildChange::AdoptCohort { guild, cohort, .. } => format!("adopt {cohort} for {guild}"),
            GuildChange::UpdateCohort { guild, cohort, .. } => format!("update {cohort} of {guild}"),
            GuildChange::RetireCohort { guild, cohort, retire, .. } => {
                let how = match retire {
                    Retire::Hide(_) => "hide",
                    Retire::Keep => "keep",
                    Retire::Delete => "delete",
                    Retire::Gone => "forget",
                };
                format!("{how} {cohort} of {guild}")
            }
            GuildChange::NoteMember(member) => format!("note {:?} in {}", member.user, member.guild),
            GuildChange::AddMember(member) => format!("add {:?} to {}", member.user, member.guild),
            GuildChange::RemoveMember(member) => format!("remove {:?} from {}", member.user, member.guild),
            GuildChange::ForgetMember(member) => format!("forget {:?} in {}", member.user, member.guild),
            GuildChange::AssignRole(role)
            | GuildChange::ClaimRole(role)
            | GuildChange::UnassignRole(role)
            | GuildChange::ReleaseRole(role) => {
                let what = match change {
                    GuildChange::AssignRole(_) => "assign",
                    GuildChange::ClaimRole(_) => "claim",
                    GuildChange::UnassignRole(_) => "unassign",
                    _ => "release",
                };
                format!("{what} role {} in {:?} of {:?} for {}", role.role, role.context, role.user, role.guild)
            }
        };
        self.changes.iter().map(key).collect()
    }

    fn only(&self, places: &BTreeSet<usize>) -> Self {
        Self { changes: places.iter().map(|place| self.changes[*place].clone()).collect(), ..self.clone() }
    }

    /// No change without the account that it needs, no account that nothing needs, and no cohort retired before it may be
    /// emptied.
    fn hold_dependents(&self, held: &mut BTreeSet<usize>) {
        let mut needing = BTreeMap::<CommunityUserId, Vec<usize>>::new();
        let mut emptying = BTreeSet::<&GuildUuid>::new();
        for (place, change) in self.changes.iter().enumerate() {
            if let Some(person) = needs_account(change) {
                needing.entry(person).or_default().push(place);
            }
            if let GuildChange::RemoveMember(member) = change
                && held.contains(&place)
            {
                emptying.insert(&member.guild);
            }
        }
        for (place, change) in self.changes.iter().enumerate() {
            match change {
                GuildChange::CreateAccount(new) => {
                    let Some(theirs) = needing.get(&new.person) else { continue };
                    if held.contains(&place) {
                        held.extend(theirs);
                    } else if theirs.iter().all(|other| held.contains(other)) {
                        held.insert(place);
                    }
                }
                GuildChange::RetireCohort { guild, retire: Retire::Hide(_) | Retire::Delete, .. }
                    if emptying.contains(guild) =>
                {
                    held.insert(place);
                }
                _ => {}
            }
        }
    }
}

/// The person whose new account a change needs.
fn needs_account(change: &GuildChange) -> Option<CommunityUserId> {
    let user = match change {
        GuildChange::AddMember(member) | GuildChange::NoteMember(member) => member.user,
        GuildChange::AssignRole(role) | GuildChange::ClaimRole(role) => role.user,
        _ => return None,
    };
    match user {
        MemberRef::New(person) => Some(person),
        MemberRef::Account(_) => None,
    }
}

/// What a guild loses.
#[derive(Default)]
struct Loss {
    cohort: Option<CohortId>,
    members: u64,
    places: Vec<usize>,
}

/// Too much taken away at once: by number per run, and as a share of what Rollbook owns, per run and per guild. A guild that
/// loses too much waits alone.
fn removals(view: &GuildView<'_>) -> Vec<Finding> {
    let mut per_guild = BTreeMap::<&GuildUuid, Loss>::new();
    let mut roles = Vec::new();
    let owned = view.inputs.owned;
    for (place, change) in view.plan.changes.iter().enumerate() {
        match change {
            GuildChange::RemoveMember(member) => {
                let Some(cohort) = member.cohort else { continue };
                let loss = per_guild.entry(&member.guild).or_default();
                loss.cohort = Some(cohort);
                loss.members += 1;
                loss.places.push(place);
            }
            GuildChange::RetireCohort { guild, cohort, retire: Retire::Delete, .. } => {
                let loss = per_guild.entry(guild).or_default();
                loss.cohort = Some(*cohort);
                loss.members += owned.members_of(*cohort);
                loss.places.push(place);
            }
            GuildChange::UnassignRole(_) => roles.push(place),
            _ => {}
        }
    }
    let by_guild = per_guild.iter().filter_map(|(guild, loss)| of_guild(view, guild, loss));
    let by_guild: Vec<Finding> = by_guild.collect();
    let members = per_guild.values().map(|loss| loss.members).sum();
    let places: Vec<usize> = per_guild.values().flat_map(|loss| loss.places.iter().copied()).collect();
    let owned_members = owned.members.values().map(|members| members.len() as u64).sum();
    let mut findings = of_run(view, "memberships", members, owned_members, &places);
    let (count, owned_roles) = (roles.len() as u64, owned.assignments.len() as u64);
    findings.extend(of_run(view, "role assignments", count, owned_roles, &roles));
    findings.extend(by_guild);
    findings
}

fn of_run(view: &GuildView<'_>, what: &str, count: u64, owned: u64, places: &[usize]) -> Vec<Finding> {
    let limits = &view.policy.limits;
    let message = format!("{what} would be removed: {count}, the limit is {}", limits.removals);
    let by_count = if count > limits.removals {
        Some(Finding::block("removals", "run", message).holding(places.iter().copied()))
    } else {
        let is_near = count > 0 && count.saturating_mul(5) >= limits.removals.saturating_mul(4);
        is_near.then(|| Finding::warn("removals", "run", message))
    };
    let over = owned >= limits.exempt_under && share(count, owned) > limits.removals_share;
    let by_share = over.then(|| {
        let percent = limits.removals_share * 100.0;
        let message = format!("{count} of {owned} {what} would be removed, the limit is {percent:.0} %");
        Finding::block("removals_share", "run", message).holding(places.iter().copied())
    });
    by_count.into_iter().chain(by_share).collect()
}

/// Everything that the guild loses waits, its roles too.
fn of_guild(view: &GuildView<'_>, guild: &GuildUuid, loss: &Loss) -> Option<Finding> {
    let limits = &view.policy.limits;
    let owned = view.inputs.owned.members_of(loss.cohort?);
    let over = owned >= limits.exempt_under && share(loss.members, owned) > limits.removals_share;
    let percent = limits.removals_share * 100.0;
    let message = || format!("{} of {owned} members would be removed, the limit is {percent:.0} %", loss.members);
    let theirs = || places(&view.plan.changes, |change| change.guild() == Some(guild) && change.removes());
    over.then(|| Finding::block("removals_share", label(view, guild), message()).holding(theirs()))
}

fn label(view: &GuildView<'_>, guild: &GuildUuid) -> String {
    let line = view.plan.guilds.iter().find(|line| line.guild == *guild);
    let pair = || view.inputs.owned.pairs.get(guild).map(|pair| pair.machine_name.to_string());
    let name = line.map(|line| line.machine_name.to_string()).or_else(pair);
    format!("guild {}", name.unwrap_or_else(|| guild.to_string()))
}

/// Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.
fn protected(view: &GuildView<'_>) -> Vec<Finding> {
    let protected = &view.policy.protected;
    let touched = view.plan.changes.iter().enumerate().filter(|(_, change)| !change.is_note());
    let touched = touched.filter_map(|(place, change)| Some((place, change.user()?)));
    let blocked = touched.filter(|(_, user)| protected.has_account(*user));
    let message = "the plan touches a protected account";
    let mut findings: Vec<_> = blocked
        .map(|(place, user)| Finding::block("protected", format!("account {user}"), message).holding([place]))
        .collect();
    let left = view.plan.skips.iter().filter(|skip| matches!(skip.reason, SkipReason::Protected { .. })).count();
    if left > 0 {
        let message = format!(
            "{} alone",
            counted_as(left, "membership of a protected person is left", "memberships of protected people are left")
        );
        findings.push(Finding::warn("protected", "run", message));
    }
    findings
}

/// Cohorts that Rollbook made and that are no longer in Moodle. One or two were deleted by somebody; very many mean another
/// Moodle, or a token that lost its sight.
fn vanished_cohorts(view: &GuildView<'_>) -> Vec<Finding> {
    let cohorts = &view.inputs.moodle.value.cohorts;
    let asked = view.plan.guilds.iter().filter_map(|line| view.inputs.owned.pairs.get(&line.guild));
    let live: Vec<_> = asked.filter(|pair| pair.state == PairState::Live).collect();
    let vanished: Vec<_> = live.iter().filter(|pair| !cohorts.contains_key(&pair.cohort)).collect();
    let mut findings: Vec<_> = vanished
        .iter()
        .map(|pair| {
            let message = format!("cohort {} is no longer in Moodle", pair.cohort);
            Finding::warn("vanished_cohorts", format!("guild {}", pair.machine_name), message)
        })
        .collect();
    let (count, all) = (vanished.len() as u64, live.len() as u64);
    let limits = &view.policy.limits;
    if all >= limits.exempt_under && share(count, all) > limits.removals_share {
        let message = format!(
            "{count} of {} no longer in Moodle: is this the right site?",
            counted_as(all, "cohort is", "cohorts are")
        );
        findings.push(Finding::block("vanished_cohorts", "moodle", message));
    }
    findings
}

/// Guilds that cannot have the idnumber they want: another guild, or a cohort of somebody else, has it.
fn machine_names(view: &GuildView<'_>) -> Vec<Finding> {
    let about_names = |reason: &SkipReason| {
        matches!(
            reason,
            SkipReason::NameCollision { .. } | SkipReason::CohortTaken { .. } | SkipReason::CohortOfPlugin { .. }
        )
    };
    let skips = view.plan.skips.iter().filter(|skip| about_names(&skip.reason));
    skips.map(|skip| Finding::warn("machine_names", format!("guild {}", skip.name), skip.reason.to_string())).collect()
}

/// Members who cannot be matched beyond doubt: each is left alone; very many at once mean that names or addresses changed
/// as a whole. Then nobody is a newcomer for sure, and nobody has left for sure.
fn doubtful_identity(view: &GuildView<'_>) -> Vec<Finding> {
    let doubtful = view.plan.skips.iter().filter(|skip| skip.reason.is_doubt());
    let doubtful: BTreeSet<_> = doubtful.filter_map(|skip| skip.person).collect();
    let count = doubtful.len() as u64;
    let limits = &view.policy.limits;
    let message = format!("{count} of {} people cannot be matched beyond doubt", view.plan.people);
    if count >= limits.doubtful_exempt_under && share(count, view.plan.people) > limits.doubtful_share {
        let message = format!("{message}; did the names or addresses change as a whole?");
        let held = |change: &GuildChange| change.removes() || matches!(change, GuildChange::CreateAccount(_));
        return vec![Finding::block("doubtful_identity", "run", message).holding(places(&view.plan.changes, held))];
    }
    if count > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}

/// Too many new accounts at once.
fn new_accounts(view: &GuildView<'_>) -> Vec<Finding> {
    let made = places(&view.plan.changes, |change| matches!(change, GuildChange::CreateAccount(_)));
    Finding::of_count("new_accounts", "new accounts", &made, view.policy.limits.new_accounts).into_iter().collect()
}

fn stale(view: &GuildView<'_>) -> Vec<Finding> {
    stale_plan(view.plan.made_at, view.now, view.policy.limits.plan_age).into_iter().collect()
}
