//! Walks the guilds of a community, one after the other, and gathers changes and skips.

use super::gone::missing_pairs;
use super::roles::WantedRoles;
use super::{CohortWhy, GuildChange, GuildInputs, GuildLine, GuildPlan, GuildSkip, InStep, Scope};
use crate::desired::{Member, NameClaim, claim_names, match_people};
use crate::matching::Lookup;
use crate::model::{
    Absence, CohortId, CommunityUserId, Guild, GuildStatus, GuildUuid, MoodleUserId, PairState, folded_machine_name,
    machine_name,
};
use crate::policy::{GuildPolicy, UnpublishedRule};
use crate::verdict::{RemovalBlock, SkipReason};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Makes the plan. Nothing doubtful becomes a change.
pub fn plan_guilds(inputs: &GuildInputs<'_>, policy: &GuildPolicy, now: Timestamp) -> GuildPlan {
    let mut planner = Planner::new(inputs, policy);
    for guild in &inputs.community.value.guilds {
        planner.plan_guild(guild);
    }
    planner.plan_missing();
    planner.plan_roles();
    let Planner { holds, mut changes, mut skips, mut lines, people, .. } = planner;
    changes.sort_by(|left, right| left.order().cmp(&right.order()));
    skips.sort();
    skips.dedup();
    lines.sort_by(|left, right| left.guild.cmp(&right.guild));
    let (link, scope) = (inputs.link.clone(), inputs.scope.clone());
    GuildPlan { link, scope, made_at: now, holds, changes, skips, guilds: lines, people: people.len() as u64 }
}

/// The accounts that must be looked up by their id before a plan is made: those that Rollbook owns something for and that
/// nobody's address or name has led to. One that is gone is forgotten, not removed.
pub fn accounts_to_look_up(inputs: &GuildInputs<'_>) -> BTreeSet<Lookup> {
    let owned = inputs.owned;
    let in_scope = |guild: Option<&GuildUuid>, person: Option<CommunityUserId>| match inputs.scope {
        Scope::All => true,
        Scope::Guild(wanted) => guild == Some(wanted),
        Scope::Person(wanted) => person == Some(*wanted),
    };
    let pair_of: BTreeMap<CohortId, &GuildUuid> = owned.pairs.iter().map(|(uuid, pair)| (pair.cohort, uuid)).collect();
    let members = owned.members.iter().flat_map(|(cohort, members)| {
        let guild = pair_of.get(cohort).copied();
        members.iter().filter(move |(_, person)| in_scope(guild, **person)).map(|(user, _)| *user)
    });
    let assigned = owned.assignments.iter().filter_map(|(assignment, claims)| {
        let wanted = claims.iter().any(|(guild, person)| in_scope(Some(guild), *person));
        wanted.then_some(assignment.user)
    });
    let all: BTreeSet<MoodleUserId> = members.chain(assigned).collect();
    all.into_iter().filter(|user| inputs.directory.with_id(*user).is_none()).map(Lookup::Id).collect()
}

pub(super) struct Planner<'a> {
    pub(super) inputs: &'a GuildInputs<'a>,
    pub(super) policy: &'a GuildPolicy,
    pub(super) people: BTreeMap<CommunityUserId, Member<'a>>,
    pub(super) names: BTreeMap<GuildUuid, NameClaim>,
    pub(super) holds: Vec<RemovalBlock>,
    /// Cohorts by folded idnumber.
    pub(super) idnumbers: BTreeMap<String, Vec<CohortId>>,
    /// The guild of each cohort that is half of a pair.
    pub(super) pair_of: BTreeMap<CohortId, &'a GuildUuid>,
    pub(super) wanted_roles: WantedRoles<'a>,
    pub(super) accounts_made: BTreeSet<CommunityUserId>,
    pub(super) changes: Vec<GuildChange>,
    pub(super) skips: Vec<GuildSkip>,
    lines: Vec<GuildLine>,
}

impl<'a> Planner<'a> {
    fn new(inputs: &'a GuildInputs<'a>, policy: &'a GuildPolicy) -> Self {
        let community = &inputs.community.value;
        let mut idnumbers = BTreeMap::<String, Vec<CohortId>>::new();
        for cohort in inputs.moodle.value.cohorts.values().filter(|cohort| !cohort.idnumber.is_empty()) {
            idnumbers.entry(folded_machine_name(&cohort.idnumber)).or_default().push(cohort.id);
        }
        let mut planner = Self {
            inputs,
            policy,
            people: match_people(community, inputs.directory, policy),
            names: claim_names(community, inputs.owned),
            holds: holds(inputs),
            idnumbers,
            pair_of: inputs.owned.pairs.iter().map(|(uuid, pair)| (pair.cohort, uuid)).collect(),
            wanted_roles: WantedRoles::default(),
            accounts_made: BTreeSet::new(),
            changes: Vec::new(),
            skips: Vec::new(),
            lines: Vec::new(),
        };
        planner.remember_accounts();
        planner
    }

    pub(super) fn skip_guild(&mut self, guild: &GuildUuid, name: &str, reason: SkipReason) {
        self.skips.push(GuildSkip { guild: Some(guild.clone()), person: None, name: name.into(), reason });
    }

    /// Whether a person, or an account that Rollbook once gave a person, is what this plan is about.
    pub(super) fn is_about(&self, person: Option<CommunityUserId>) -> bool {
        match self.inputs.scope {
            Scope::All | Scope::Guild(_) => true,
            Scope::Person(wanted) => person == Some(*wanted),
        }
    }

    fn plan_guild(&mut self, guild: &'a Guild) {
        if matches!(self.inputs.scope, Scope::Guild(wanted) if *wanted != guild.uuid) {
            return;
        }
        if guild.status == GuildStatus::Unpublished && self.policy.unpublished != UnpublishedRule::Sync {
            self.plan_unpublished(guild);
            return;
        }
        let Some(target) = self.plan_cohort(guild) else {
            self.push_line(guild, None, Vec::new());
            return;
        };
        let cohort = target.cohort;
        self.wanted_roles.look_at(&guild.uuid);
        let in_step = self.plan_members(guild, &target);
        self.push_line(guild, cohort, in_step);
    }

    fn plan_unpublished(&mut self, guild: &'a Guild) {
        let pair = self.inputs.owned.pairs.get(&guild.uuid);
        match pair.filter(|_| self.policy.unpublished == UnpublishedRule::Archive) {
            Some(pair) if self.inputs.scope.covers_cohorts() => {
                self.retire(&guild.uuid, pair, CohortWhy::GuildUnpublished)
            }
            _ => self.skip_guild(&guild.uuid, &guild.label, SkipReason::Unpublished),
        }
        self.push_line(guild, pair.map(|pair| pair.cohort), Vec::new());
    }

    fn push_line(&mut self, guild: &Guild, cohort: Option<CohortId>, in_step: Vec<InStep>) {
        let counts = |person: CommunityUserId| {
            self.is_about(Some(person))
                && !matches!(self.people.get(&person), Some(Member::SkipReason(SkipReason::Blocked)))
        };
        let members: BTreeSet<_> = guild.members.iter().map(|member| member.person).filter(|id| counts(*id)).collect();
        self.lines.push(GuildLine {
            guild: guild.uuid.clone(),
            number: Some(guild.number),
            machine_name: machine_name(guild),
            label: guild.label.clone(),
            cohort,
            cohort_name: self.cohort_name(&guild.label),
            members: members.len() as u64,
            unchanged: in_step.len() as u64,
            in_step,
        });
    }

    /// Somebody whom nothing leads to an account now, but who was given one earlier, must not get a second one.
    fn remember_accounts(&mut self) {
        let forgotten =
            |member: &Member<'_>| matches!(member, Member::New(_) | Member::SkipReason(SkipReason::NoAccount));
        let lost: BTreeSet<_> =
            self.people.iter().filter(|(_, member)| forgotten(member)).map(|(person, _)| *person).collect();
        let scoped = *self.inputs.scope != Scope::All;
        if lost.is_empty() && !scoped {
            return;
        }
        let mut given = BTreeMap::<MoodleUserId, CommunityUserId>::new();
        for (user, person) in self.inputs.owned.members.values().flatten() {
            let Some(person) = *person else { continue };
            let exists = self.inputs.directory.with_id(*user) != Some(None);
            if lost.contains(&person) && exists {
                self.people.insert(person, Member::SkipReason(SkipReason::NoLongerFits { user: *user }));
            }
            if scoped {
                given.insert(*user, person);
            }
        }
        self.refuse_given(&given);
    }

    /// A plan for one guild or person does not see everybody: an account that was given to another person may still be theirs.
    fn refuse_given(&mut self, given: &BTreeMap<MoodleUserId, CommunityUserId>) {
        for (person, member) in &mut self.people {
            if let Member::Account(account) = member
                && let Some(by) = given.get(&account.id).filter(|by| *by != person)
            {
                *member = Member::SkipReason(SkipReason::AccountTaken { account: account.id, by: *by });
            }
        }
    }
}

impl Scope {
    /// Whether cohorts are made, changed and retired.
    pub fn covers_cohorts(&self) -> bool {
        !matches!(self, Self::Person(_))
    }
}

/// Why nothing may be taken away.
fn holds(inputs: &GuildInputs<'_>) -> Vec<RemovalBlock> {
    let incomplete = !inputs.community.is_complete() || !inputs.moodle.is_complete();
    let unproven = !inputs.community.value.sight_is_proven();
    let unseen = missing_pairs(inputs).iter().any(|(uuid, pair)| {
        let explained = matches!(inputs.community.value.missing.get(*uuid), Some(Absence::Deleted | Absence::Denied));
        pair.state == PairState::Live && !explained
    });
    let holds = [
        (incomplete, RemovalBlock::Incomplete),
        (unproven, RemovalBlock::AccessUnproven),
        (unseen, RemovalBlock::GuildsUnseen),
    ];
    holds.into_iter().filter_map(|(applies, hold)| applies.then_some(hold)).collect()
}
