//! Guilds that are gone: what becomes of their cohorts, members and roles.

use super::members::Judgement;
use super::planner::Planner;
use super::{CohortWhy, GuildChange, GuildInputs, MemberWhy, Retire, Scope};
use crate::model::{Absence, CohortId, GuildPair, GuildUuid, MoodleUserId, PairState};
use crate::policy::ArchiveRule;
use crate::verdict::SkipReason;
use std::collections::BTreeSet;

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

impl<'a> Planner<'a> {
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
            Retire::Delete | Retire::Gone => self.wanted_roles.retire(uuid),
            Retire::Hide(_) => {
                self.wanted_roles.retire(uuid);
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
            let judgement: Judgement = self.removal(*user, present.binary_search(user).is_ok(), why.clone());
            self.push_judgement(uuid, cohort, *user, *person, judgement);
        }
    }
}
