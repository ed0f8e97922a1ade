//! Walks the guilds of a community, one after the other, then those that are gone, and gathers changes and skips.

use super::draft::{Draft, missing_pairs};
use super::members::Departure;
use super::{CohortWhy, GuildChange, GuildInputs, GuildLine, GuildPlan, InSync, MemberWhy, Retire, Scope};
use crate::desired::Member;
use crate::matching::Lookup;
use crate::model::{
    Absence, CohortId, CommunityUserId, Guild, GuildPair, GuildStatus, GuildUuid, MoodleUserId, PairState, machine_name,
};
use crate::policy::{ArchiveRule, GuildPolicy, UnpublishedRule};
use crate::verdict::SkipReason;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Makes the plan. Nothing doubtful becomes a change.
pub fn plan_guilds(inputs: &GuildInputs<'_>, policy: &GuildPolicy, now: Timestamp) -> GuildPlan {
    let mut draft = Draft::new(inputs, policy);
    for guild in &inputs.community.value.guilds {
        draft.plan_guild(guild);
    }
    draft.plan_missing();
    draft.plan_roles();
    let Draft { holds, mut changes, mut skips, mut lines, people, .. } = draft;
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

impl<'a> Draft<'a> {
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
        self.desired_roles.look_at(&guild.uuid);
        let in_sync = self.plan_members(guild, &target);
        self.push_line(guild, cohort, in_sync);
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

    fn push_line(&mut self, guild: &Guild, cohort: Option<CohortId>, in_sync: Vec<InSync>) {
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
            unchanged: in_sync.len() as u64,
            in_sync,
        });
    }
}

impl Scope {
    /// Whether cohorts are made, changed and retired.
    pub fn covers_cohorts(&self) -> bool {
        !matches!(self, Self::Person(_))
    }
}

// Guilds that are gone: what becomes of their cohorts, members and roles.

impl<'a> Draft<'a> {
    /// Plans the pairs whose guild is not in view. Only a guild that the community says it has deleted is retired.
    pub(super) fn plan_missing(&mut self) {
        for (uuid, pair) in missing_pairs(self.inputs) {
            match self.inputs.community.value.missing.get(uuid) {
                Some(Absence::Deleted) => self.retire(uuid, pair, CohortWhy::GuildGone),
                Some(Absence::Denied | Absence::Unseen) | None if pair.state == PairState::Archived => {}
                Some(Absence::Denied | Absence::Unseen) | None => {
                    self.skip_guild(uuid, &pair.label, SkipReason::GuildUnseen)
                }
            }
        }
    }

    /// Retires the cohort of a guild that counts as gone.
    pub(super) fn retire(&mut self, uuid: &'a GuildUuid, pair: &'a GuildPair, why: CohortWhy) {
        let live = pair.state == PairState::Live;
        if let Some(hold) = self.hold() {
            if live {
                self.skip_guild(uuid, &pair.label, SkipReason::HeldBack { user: None, hold });
            }
            return;
        }
        let how = self.retire_how(uuid, pair);
        match &how {
            Retire::Keep => {}
            Retire::Delete | Retire::Gone => self.desired_roles.retire(uuid),
            Retire::Hide(_) => {
                self.desired_roles.retire(uuid);
                self.remove_all(uuid, pair.cohort, &why);
            }
        }
        if live || how == Retire::Gone {
            let (guild, label, idnumber) = (uuid.clone(), pair.label.clone(), pair.machine_name.clone());
            let cohort = pair.cohort;
            self.changes.push(GuildChange::RetireCohort { guild, label, cohort, idnumber, retire: how, why });
        }
    }

    fn retire_how(&mut self, uuid: &GuildUuid, pair: &GuildPair) -> Retire {
        let moodle = &self.inputs.moodle.value;
        let Some(cohort) = moodle.cohorts.get(&pair.cohort) else {
            return Retire::Gone;
        };
        let Some(members) = moodle.members.get(&pair.cohort) else {
            return Retire::Keep;
        };
        let rule = match (self.policy.archive, pair.state) {
            // A cohort that was kept or hidden before is not deleted because the rule changed.
            (ArchiveRule::Delete, PairState::Archived) => ArchiveRule::Keep,
            (rule, PairState::Live | PairState::Archived) => rule,
        };
        let hide = Retire::Hide(self.archived_form(cohort, &self.last_label(uuid)));
        match rule {
            ArchiveRule::Keep => Retire::Keep,
            ArchiveRule::Hide => hide,
            ArchiveRule::Delete if members.iter().any(|user| self.must_stay(pair.cohort, *user)) => {
                self.skip_guild(uuid, &pair.label, SkipReason::NotDeleted { cohort: pair.cohort });
                hide
            }
            ArchiveRule::Delete => Retire::Delete,
        }
    }

    fn must_stay(&self, cohort: CohortId, user: MoodleUserId) -> bool {
        let owned = self.inputs.owned.members.get(&cohort).is_some_and(|owned| owned.contains_key(&user));
        !owned || self.protection(user).is_some()
    }

    fn remove_all(&mut self, uuid: &GuildUuid, cohort: CohortId, why: &CohortWhy) {
        let why = match why {
            CohortWhy::GuildUnpublished => MemberWhy::GuildUnpublished,
            _ => MemberWhy::GuildGone,
        };
        let Some(owned) = self.inputs.owned.members.get(&cohort) else { return };
        let present = self.inputs.moodle.value.members.get(&cohort).map_or(&[][..], Vec::as_slice);
        for (user, person) in owned {
            let departure: Departure = self.removal(*user, present.binary_search(user).is_ok(), why.clone());
            self.push_departure(uuid, cohort, *user, *person, departure);
        }
    }
}
