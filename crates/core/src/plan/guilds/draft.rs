//! What a plan of guilds is drafted from and into: the inputs, who is who, what holds removals back, and the changes and
//! skips so far. The steps (cohorts, members, roles, guilds that are gone) build on it, and it on none of them.

use super::{GuildChange, GuildInputs, GuildLine, GuildSkip, RoleWhy, Scope};
use crate::desired::{Member, NameClaim, claim_names, match_people};
use crate::model::{
    Absence, Assignment, CohortId, CommunityUserId, GuildPair, GuildUuid, MoodleUserId, PairState, RoleContext, RoleId,
    folded_machine_name,
};
use crate::policy::GuildPolicy;
use crate::verdict::{RemovalBlock, SkipReason};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Draft<'a> {
    pub(super) inputs: &'a GuildInputs<'a>,
    pub(super) policy: &'a GuildPolicy,
    pub(super) people: BTreeMap<CommunityUserId, Member<'a>>,
    pub(super) names: BTreeMap<GuildUuid, NameClaim>,
    pub(super) holds: Vec<RemovalBlock>,
    pub(super) idnumbers: BTreeMap<String, Vec<CohortId>>,
    /// The guild of each cohort that is half of a pair.
    pub(super) pair_of: BTreeMap<CohortId, &'a GuildUuid>,
    pub(super) desired_roles: DesiredRoles<'a>,
    pub(super) accounts_made: BTreeSet<CommunityUserId>,
    pub(super) changes: Vec<GuildChange>,
    pub(super) skips: Vec<GuildSkip>,
    pub(super) lines: Vec<GuildLine>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(inputs: &'a GuildInputs<'a>, policy: &'a GuildPolicy) -> Self {
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
            desired_roles: DesiredRoles::default(),
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

    pub(super) fn hold(&self) -> Option<RemovalBlock> {
        self.holds.first().copied()
    }

    /// The entry that protects an account which Rollbook owns something for.
    pub(super) fn protection(&self, user: MoodleUserId) -> Option<String> {
        let account = self.inputs.directory.with_id(user).flatten();
        let listed = || self.policy.protected.has_account(user).then(|| format!("account {user}"));
        self.policy.protected.entry_for_member(None, account).or_else(listed)
    }

    pub(super) fn name_of(&self, person: Option<CommunityUserId>, user: Option<MoodleUserId>) -> Box<str> {
        let community = &self.inputs.community.value;
        let known = person.and_then(|person| community.people.get(&person)).filter(|person| !person.name.is_empty());
        let account = || user.and_then(|user| self.inputs.directory.with_id(user).flatten());
        match (known, person, user) {
            (Some(known), ..) => known.name.as_str().into(),
            (None, person, user) => match (account(), user, person) {
                (Some(account), ..) => account.username.as_str().into(),
                (None, Some(user), _) => format!("account {user}").into(),
                (None, None, Some(person)) => format!("user {person}").into(),
                (None, None, None) => "".into(),
            },
        }
    }

    pub(super) fn skip_member(
        &mut self,
        guild: &GuildUuid,
        person: Option<CommunityUserId>,
        user: Option<MoodleUserId>,
        reason: SkipReason,
    ) {
        let name = self.name_of(person, user);
        self.skips.push(GuildSkip { guild: Some(guild.clone()), person, name, reason });
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

/// Why nothing may be taken away.
fn holds(inputs: &GuildInputs<'_>) -> Vec<RemovalBlock> {
    let incomplete = !inputs.community.is_complete() || !inputs.moodle.is_complete();
    let unproven = !inputs.community.value.access_is_proven();
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

/// The pairs that a plan of this scope is about and whose guild is not in view.
pub(super) fn missing_pairs<'a>(inputs: &GuildInputs<'a>) -> Vec<(&'a GuildUuid, &'a GuildPair)> {
    let in_view: BTreeSet<&GuildUuid> = inputs.community.value.guilds.iter().map(|guild| &guild.uuid).collect();
    let asked = |uuid: &GuildUuid| match inputs.scope {
        Scope::All => true,
        Scope::Guild(wanted) => wanted == uuid,
        Scope::Person(_) => false,
    };
    inputs.owned.pairs.iter().filter(|(uuid, _)| asked(uuid) && !in_view.contains(uuid)).collect()
}

pub(super) type Claims = BTreeMap<GuildUuid, (CommunityUserId, RoleWhy)>;

/// What the guilds want, and which of them were looked at.
#[derive(Default)]
pub(super) struct DesiredRoles<'a> {
    pub(super) wanted: BTreeMap<Assignment, Claims>,
    pub(super) of_new: BTreeMap<(CommunityUserId, RoleId, RoleContext), Claims>,
    pub(super) looked_at: BTreeSet<GuildUuid>,
    pub(super) retired: BTreeSet<&'a GuildUuid>,
    pub(super) kept: BTreeSet<(GuildUuid, CommunityUserId)>,
}

impl<'a> DesiredRoles<'a> {
    /// This guild's members were planned: what it does not want may go.
    pub(super) fn look_at(&mut self, guild: &GuildUuid) {
        self.looked_at.insert(guild.clone());
    }

    /// This guild is gone: nothing of it is wanted.
    pub(super) fn retire(&mut self, guild: &'a GuildUuid) {
        self.retired.insert(guild);
    }

    /// Somebody in the guild is left alone, so their roles are too; unless they count as absent.
    pub(super) fn keep(&mut self, guild: &GuildUuid, person: CommunityUserId, reason: &SkipReason) {
        if *reason != SkipReason::Blocked {
            self.kept.insert((guild.clone(), person));
        }
    }
}
