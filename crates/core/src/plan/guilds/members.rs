//! The members of one guild's cohort: who is added, who is removed, who is left, and why.

use super::cohorts::Target;
use super::planner::Planner;
use super::{GuildChange, GuildSkip, InStep, MemberChange, MemberRef, MemberWhy};
use crate::desired::Member;
use crate::model::{CohortId, CommunityUserId, Guild, GuildMember, GuildRole, GuildUuid, MoodleUserId};
use crate::verdict::{RemovalBlock, SkipReason};
use std::collections::{BTreeMap, BTreeSet};

/// The people of a guild, with their roles in it.
type Members<'a> = BTreeMap<CommunityUserId, BTreeSet<&'a GuildRole>>;

/// What becomes of an owned membership that the guild does not want.
pub(super) enum Judgement {
    Remove(MemberWhy),
    Forget(MemberWhy),
    Leave(SkipReason),
}

impl<'a> Planner<'a> {
    /// Plans one guild's members and gives those who are where they should be.
    pub(super) fn plan_members(&mut self, guild: &'a Guild, target: &Target<'_>) -> Vec<InStep> {
        let mut wanted = BTreeSet::new();
        let mut in_step = Vec::new();
        // A person may be listed twice, with other roles each time.
        let mut members = Members::new();
        for GuildMember { person, roles } in &guild.members {
            members.entry(*person).or_default().extend(roles);
        }
        for (person, roles) in &members {
            if self.is_about(Some(*person)) {
                self.plan_member(guild, target, (*person, roles), &mut wanted, &mut in_step);
            }
        }
        self.plan_leavers(guild, target, &wanted, &members);
        in_step.sort_unstable();
        in_step
    }

    fn plan_member(
        &mut self,
        guild: &'a Guild,
        target: &Target<'_>,
        (person, roles): (CommunityUserId, &BTreeSet<&GuildRole>),
        wanted: &mut BTreeSet<MoodleUserId>,
        in_step: &mut Vec<InStep>,
    ) {
        let user = match self.people.get(&person) {
            Some(Member::Account(account)) => MemberRef::Account(account.id),
            Some(Member::New(new)) => {
                if self.accounts_made.insert(person) {
                    self.changes.push(GuildChange::CreateAccount(new.clone()));
                }
                MemberRef::New(person)
            }
            Some(Member::SkipReason(reason)) => {
                let reason = reason.clone();
                self.wanted_roles.keep(&guild.uuid, person, &reason);
                return self.skip_member(&guild.uuid, Some(person), None, reason);
            }
            None => return self.skip_member(&guild.uuid, Some(person), None, SkipReason::NotLookedUp),
        };
        self.want_roles(&guild.uuid, person, roles, user);
        let MemberRef::Account(id) = user else {
            return self.push_addition(guild, target.cohort, user, person, MemberWhy::Joined);
        };
        wanted.insert(id);
        let owner = target.owned.get(&id);
        if target.members.binary_search(&id).is_err() {
            let why = if owner.is_some() { MemberWhy::RemovedInMoodle } else { MemberWhy::Joined };
            return self.push_addition(guild, target.cohort, user, person, why);
        }
        in_step.push(InStep { person, user: id });
        if owner.is_some_and(|owner| *owner != Some(person)) {
            let change = self.member_change(&guild.uuid, target.cohort, user, Some(person), MemberWhy::OtherPerson);
            self.changes.push(GuildChange::NoteMember(change));
        }
    }

    fn push_addition(
        &mut self,
        guild: &Guild,
        cohort: Option<CohortId>,
        user: MemberRef,
        person: CommunityUserId,
        why: MemberWhy,
    ) {
        let change = self.member_change(&guild.uuid, cohort, user, Some(person), why);
        self.changes.push(GuildChange::AddMember(change));
    }

    fn plan_leavers(
        &mut self,
        guild: &Guild,
        target: &Target<'_>,
        wanted: &BTreeSet<MoodleUserId>,
        members: &Members<'_>,
    ) {
        let Some(cohort) = target.cohort else { return };
        for (user, person) in target.owned.iter().filter(|(user, _)| !wanted.contains(user)) {
            if self.is_about(*person) {
                let present = target.members.binary_search(user).is_ok();
                if let Some(judgement) = self.judge(*user, *person, present, members) {
                    self.push_judgement(&guild.uuid, cohort, *user, *person, judgement);
                }
            }
        }
        if self.inputs.scope.covers_cohorts() {
            let others =
                target.members.iter().filter(|user| !wanted.contains(user) && !target.owned.contains_key(user));
            for user in others {
                self.skip_member(&guild.uuid, None, Some(*user), SkipReason::NotOurs { user: *user });
            }
        }
    }

    /// What becomes of an owned membership that nobody in the guild was matched to. Nothing is said twice: who is in the
    /// guild and left alone is listed already.
    fn judge(
        &self,
        user: MoodleUserId,
        person: Option<CommunityUserId>,
        present: bool,
        members: &Members<'_>,
    ) -> Option<Judgement> {
        let Some(person) = person else {
            return Some(self.removal(user, present, MemberWhy::NeverMember));
        };
        if !members.contains_key(&person) {
            return Some(self.removal(user, present, MemberWhy::Left));
        }
        match self.people.get(&person) {
            Some(Member::Account(account)) => {
                Some(self.removal(user, present, MemberWhy::OtherAccount { account: account.id }))
            }
            Some(Member::SkipReason(SkipReason::Blocked)) => Some(self.removal(user, present, MemberWhy::Blocked)),
            Some(Member::New(_) | Member::SkipReason(_)) | None => None,
        }
    }

    /// What may be done about a membership that should go.
    pub(super) fn removal(&self, user: MoodleUserId, present: bool, why: MemberWhy) -> Judgement {
        if let Some(entry) = self.protection(user) {
            return Judgement::Leave(SkipReason::Protected { entry });
        }
        if let Some(hold) = self.hold() {
            return Judgement::Leave(SkipReason::HeldBack { user: Some(user), hold });
        }
        if !present {
            return Judgement::Forget(MemberWhy::GoneAlready);
        }
        if self.inputs.directory.with_id(user) == Some(None) {
            return Judgement::Forget(MemberWhy::AccountGone);
        }
        Judgement::Remove(why)
    }

    pub(super) fn push_judgement(
        &mut self,
        guild: &GuildUuid,
        cohort: CohortId,
        user: MoodleUserId,
        person: Option<CommunityUserId>,
        judgement: Judgement,
    ) {
        let change = |why| self.member_change(guild, Some(cohort), MemberRef::Account(user), person, why);
        match judgement {
            Judgement::Remove(why) => self.changes.push(GuildChange::RemoveMember(change(why))),
            Judgement::Forget(why) => self.changes.push(GuildChange::ForgetMember(change(why))),
            Judgement::Leave(reason) => self.skip_member(guild, person, Some(user), reason),
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

    fn member_change(
        &self,
        guild: &GuildUuid,
        cohort: Option<CohortId>,
        user: MemberRef,
        person: Option<CommunityUserId>,
        why: MemberWhy,
    ) -> MemberChange {
        let id = match user {
            MemberRef::Account(id) => Some(id),
            MemberRef::New(_) => None,
        };
        MemberChange { guild: guild.clone(), cohort, user, person, name: self.name_of(person, id), why }
    }
}
