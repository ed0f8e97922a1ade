//! The checks of guilds; every one is on by default. The first five ask whether the community showed what there is: Drupal
//! answers 200 with nothing in it to an account that lost a permission, to a wrong password, and to the right one after
//! five wrong ones.

use crate::guard::Finding;
use crate::model::{CanaryAccount, CohortId, GuildUuid, Identity, PairState, counted, counted_as};
use crate::plan::{GuildChange, GuildInputs, GuildPlan, Retire, Scope};
use crate::policy::GuildPolicy;
use crate::verdict::{RemovalBlock, SkipReason};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What the checks of guilds look at.
#[derive(Clone, Copy, Debug)]
pub struct GuildView<'a> {
    pub plan: &'a GuildPlan,
    /// What it was made from.
    pub inputs: &'a GuildInputs<'a>,
    pub policy: &'a GuildPolicy,
    /// The time at which it would be applied.
    pub now: Timestamp,
}

type GuildCheck = fn(&GuildView<'_>) -> Vec<Finding>;

/// Every check of guilds; each is on by default.
const GUILD_CHECKS: [GuildCheck; 12] = [
    check_identity,
    check_canary,
    check_completeness,
    check_empty_source,
    check_missing_guilds,
    check_removals,
    check_protected,
    check_vanished_cohorts,
    check_machine_names,
    check_doubtful_identity,
    check_new_accounts,
    check_stale_plan,
];

/// Runs every check of guilds over a plan.
pub fn check_guilds(view: &GuildView<'_>) -> Vec<Finding> {
    GUILD_CHECKS.iter().flat_map(|check| check(view)).collect()
}

/// A part as a share of a whole, 0 to 1; of nothing, it is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

// Whether the community showed what there is. Drupal answers 200 with nothing in it to an account that lost a permission,
// to a wrong password, and to the right one after five wrong ones.

/// The community must have said who was reading.
fn check_identity(view: &GuildView<'_>) -> Vec<Finding> {
    match &view.inputs.community.value.identity {
        Identity::Proven { .. } | Identity::Database => Vec::new(),
        Identity::Anonymous => vec![Finding::block(
            "identity",
            "community",
            "the community took Rollbook for nobody in particular: password, token or flood protection",
        )],
    }
}

/// The configured member, who is always there, must have been seen.
fn check_canary(view: &GuildView<'_>) -> Vec<Finding> {
    match view.inputs.community.value.sentinel {
        CanaryAccount::Seen => Vec::new(),
        CanaryAccount::Unseen => vec![Finding::block(
            "sentinel",
            "community",
            "the sentinel member was not seen in any guild: the account has lost a permission, or the sentinel left",
        )],
        CanaryAccount::NotConfigured if view.plan.changes.iter().any(GuildChange::removes) => {
            vec![Finding::warn(
                "sentinel",
                "community",
                "no sentinel member is configured: nothing but the limits stands between a lost permission and removals",
            )]
        }
        CanaryAccount::NotConfigured => Vec::new(),
    }
}

/// Says what did not arrive. Nothing is taken away then; the planner sees to that, and this check stands behind it.
fn check_completeness(view: &GuildView<'_>) -> Vec<Finding> {
    let (community, moodle) = (view.inputs.community, view.inputs.moodle);
    let gaps = community.gaps.iter().map(|gap| ("community", gap));
    let gaps: Vec<_> = gaps.chain(moodle.gaps.iter().map(|gap| ("moodle", gap))).collect();
    let mut findings: Vec<_> =
        gaps.iter().map(|(side, gap)| Finding::warn("completeness", *side, gap.to_string())).collect();
    if !gaps.is_empty() && view.plan.changes.iter().any(GuildChange::removes) {
        let message = "the plan takes something away on the word of an incomplete answer";
        findings.push(Finding::block("completeness", "run", message));
    }
    findings
}

/// There were members, and now there are none: that is a lost permission far more often than an empty community.
fn check_empty_source(view: &GuildView<'_>) -> Vec<Finding> {
    let owned: u64 = view.inputs.owned.members.values().map(|members| members.len() as u64).sum();
    let community = &view.inputs.community.value;
    let members: usize = community.guilds.iter().map(|guild| guild.members.len()).sum();
    if *view.inputs.scope != Scope::All || owned == 0 || members > 0 {
        return Vec::new();
    }
    let message = format!(
        "the community shows {} and no members; {} there before",
        counted(community.guilds.len(), "guild"),
        counted_as(owned, "membership was", "memberships were")
    );
    vec![Finding::block("empty_source", "community", message)]
}

/// Guilds that were there before and are not to be seen. One that the community says it has deleted is retired within the
/// limits; one that the account may not see is left alone; of one about which nothing is said, all absence is doubted.
fn check_missing_guilds(view: &GuildView<'_>) -> Vec<Finding> {
    let held = view.plan.holds.contains(&RemovalBlock::GuildsUnseen);
    let unseen = view.plan.skips.iter().filter(|skip| skip.reason == SkipReason::GuildUnseen);
    let effect = if held { "nothing is removed anywhere" } else { "it is left alone" };
    let message = format!("was there before and is not to be seen now: {effect}");
    unseen.map(|skip| Finding::warn("missing_guilds", format!("guild {}", skip.name), message.clone())).collect()
}

/// Too much taken away at once: by number per run, and as a share of what Rollbook owns, per run and per guild.
fn check_removals(view: &GuildView<'_>) -> Vec<Finding> {
    let mut per_guild = BTreeMap::<&GuildUuid, (CohortId, u64)>::new();
    let mut roles = 0;
    for change in &view.plan.changes {
        match change {
            GuildChange::RemoveMember(member) => {
                if let Some(cohort) = member.cohort {
                    per_guild.entry(&member.guild).or_insert((cohort, 0)).1 += 1;
                }
            }
            GuildChange::RetireCohort { guild, cohort, retire: Retire::Delete, .. } => {
                per_guild.entry(guild).or_insert((*cohort, 0)).1 += view.inputs.owned.members_of(*cohort);
            }
            GuildChange::UnassignRole(_) => roles += 1,
            _ => {}
        }
    }
    let members = per_guild.values().map(|(_, count)| count).sum();
    let owned = view.inputs.owned;
    let owned_members = owned.members.values().map(|members| members.len() as u64).sum();
    let mut findings = of_run(view, "memberships", members, owned_members);
    findings.extend(of_run(view, "role assignments", roles, owned.assignments.len() as u64));
    findings.extend(per_guild.iter().filter_map(|(guild, (cohort, count))| of_guild(view, guild, *cohort, *count)));
    findings
}

fn of_run(view: &GuildView<'_>, what: &str, count: u64, owned: u64) -> Vec<Finding> {
    let limits = &view.policy.limits;
    let by_count = Finding::of_count("removals", &format!("{what} would be removed"), count, limits.removals);
    let over = owned >= limits.exempt_under && share(count, owned) > limits.removals_share;
    let by_share = over.then(|| {
        let percent = limits.removals_share * 100.0;
        let message = format!("{count} of {owned} {what} would be removed, the limit is {percent:.0} %");
        Finding::block("removals_share", "run", message)
    });
    by_count.into_iter().chain(by_share).collect()
}

fn of_guild(view: &GuildView<'_>, guild: &GuildUuid, cohort: CohortId, count: u64) -> Option<Finding> {
    let limits = &view.policy.limits;
    let owned = view.inputs.owned.members_of(cohort);
    let over = owned >= limits.exempt_under && share(count, owned) > limits.removals_share;
    let percent = limits.removals_share * 100.0;
    let message = || format!("{count} of {owned} members would be removed, the limit is {percent:.0} %");
    over.then(|| Finding::block("removals_share", label(view, guild), message()))
}

fn label(view: &GuildView<'_>, guild: &GuildUuid) -> String {
    let line = view.plan.guilds.iter().find(|line| line.guild == *guild);
    let pair = || view.inputs.owned.pairs.get(guild).map(|pair| pair.machine_name.to_string());
    let name = line.map(|line| line.machine_name.to_string()).or_else(pair);
    format!("guild {}", name.unwrap_or_else(|| guild.to_string()))
}

/// Nobody on the protected list is touched: the planner leaves them alone, and this check stands behind it.
fn check_protected(view: &GuildView<'_>) -> Vec<Finding> {
    let protected = &view.policy.protected;
    let touched = view.plan.changes.iter().filter(|change| !change.is_note()).filter_map(|change| change.user());
    let blocked = touched.filter(|user| protected.has_account(*user));
    let mut findings: Vec<_> = blocked
        .map(|user| Finding::block("protected", format!("account {user}"), "the plan touches a protected account"))
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
fn check_vanished_cohorts(view: &GuildView<'_>) -> Vec<Finding> {
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
fn check_machine_names(view: &GuildView<'_>) -> Vec<Finding> {
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
/// as a whole.
fn check_doubtful_identity(view: &GuildView<'_>) -> Vec<Finding> {
    let doubtful = view.plan.skips.iter().filter(|skip| skip.reason.is_doubt());
    let doubtful: BTreeSet<_> = doubtful.filter_map(|skip| skip.person).collect();
    let count = doubtful.len() as u64;
    let limits = &view.policy.limits;
    let message = format!("{count} of {} people cannot be matched beyond doubt", view.plan.people);
    if count >= limits.doubtful_exempt_under && share(count, view.plan.people) > limits.doubtful_share {
        let message = format!("{message}; did the names or addresses change as a whole?");
        return vec![Finding::block("doubtful_identity", "run", message)];
    }
    if count > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}

/// Too many new accounts at once.
fn check_new_accounts(view: &GuildView<'_>) -> Vec<Finding> {
    let made = view.plan.changes.iter().filter(|change| matches!(change, GuildChange::CreateAccount(_)));
    let limit = view.policy.limits.new_accounts;
    Finding::of_count("new_accounts", "new accounts", made.count() as u64, limit).into_iter().collect()
}

/// A plan that was made too long ago: the world has moved since.
fn check_stale_plan(view: &GuildView<'_>) -> Vec<Finding> {
    let age = view.now.duration_since(view.plan.made_at);
    let limit = view.policy.limits.plan_age;
    if age <= limit {
        return Vec::new();
    }
    let message = format!("the plan is {} s old, the limit is {} s", age.as_secs(), limit.as_secs());
    vec![Finding::block("stale_plan", "plan", message)]
}
