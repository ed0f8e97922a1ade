//! The members of one guild's cohort: who is added, who is removed, who is left, and why.

use super::cohorts::Target;
use super::draft::Draft;
use super::{GuildChange, InSync, MemberChange, MemberRef, MemberWhy};
use crate::desired::Member;
use crate::model::{CohortId, CommunityUserId, Guild, GuildMember, GuildRole, GuildUuid, MoodleUserId};
use crate::verdict::SkipReason;
use std::collections::{BTreeMap, BTreeSet};

/// The people of a guild, with their roles in it.
type Members<'a> = BTreeMap<CommunityUserId, BTreeSet<&'a GuildRole>>;

/// What becomes of an owned membership that the guild does not want.
pub(super) enum Departure {
    Remove(MemberWhy),
    Forget(MemberWhy),
    Leave(SkipReason),
}

impl<'a> Draft<'a> {
    /// Plans one guild's members and gives those who are where they should be.
    pub(super) fn plan_members(&mut self, guild: &'a Guild, target: &Target<'_>) -> Vec<InSync> {
        let mut wanted = BTreeSet::new();
        let mut in_sync = Vec::new();
        // A person may be listed twice, with other roles each time.
        let mut members = Members::new();
        for GuildMember { person, roles } in &guild.members {
            members.entry(*person).or_default().extend(roles);
        }
        for (person, roles) in &members {
            if self.is_about(Some(*person)) {
                self.plan_member(guild, target, (*person, roles), &mut wanted, &mut in_sync);
            }
        }
        self.plan_leavers(guild, target, &wanted, &members);
        in_sync.sort_unstable();
        in_sync
    }

    fn plan_member(
        &mut self,
        guild: &'a Guild,
        target: &Target<'_>,
        (person, roles): (CommunityUserId, &BTreeSet<&GuildRole>),
        wanted: &mut BTreeSet<MoodleUserId>,
        in_sync: &mut Vec<InSync>,
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
                self.desired_roles.keep(&guild.uuid, person, &reason);
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
        in_sync.push(InSync { person, user: id });
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
                if let Some(departure) = self.decide_departure(*user, *person, present, members) {
                    self.push_departure(&guild.uuid, cohort, *user, *person, departure);
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
    fn decide_departure(
        &self,
        user: MoodleUserId,
        person: Option<CommunityUserId>,
        present: bool,
        members: &Members<'_>,
    ) -> Option<Departure> {
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
    pub(super) fn removal(&self, user: MoodleUserId, present: bool, why: MemberWhy) -> Departure {
        if let Some(entry) = self.protection(user) {
            return Departure::Leave(SkipReason::Protected { entry });
        }
        if let Some(hold) = self.hold() {
            return Departure::Leave(SkipReason::HeldBack { user: Some(user), hold });
        }
        if !present {
            return Departure::Forget(MemberWhy::GoneAlready);
        }
        if self.inputs.directory.with_id(user) == Some(None) {
            return Departure::Forget(MemberWhy::AccountGone);
        }
        Departure::Remove(why)
    }

    pub(super) fn push_departure(
        &mut self,
        guild: &GuildUuid,
        cohort: CohortId,
        user: MoodleUserId,
        person: Option<CommunityUserId>,
        departure: Departure,
    ) {
        let change = |why| self.member_change(guild, Some(cohort), MemberRef::Account(user), person, why);
        match departure {
            Departure::Remove(why) => self.changes.push(GuildChange::RemoveMember(change(why))),
            Departure::Forget(why) => self.changes.push(GuildChange::ForgetMember(change(why))),
            Departure::Leave(reason) => self.skip_member(guild, person, Some(user), reason),
        }
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
