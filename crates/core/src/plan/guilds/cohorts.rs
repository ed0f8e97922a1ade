//! The cohort of a guild: found by its pair, taken over where that is allowed, or made.

use super::draft::Draft;
use super::{CohortForm, CohortWhy, GuildChange};
use crate::model::{
    Cohort, CohortId, CohortVisibility, CommunityUserId, Guild, GuildPair, GuildUuid, MachineName, MoodleUserId,
    PairState, folded_machine_name,
};
use crate::policy::GuildPolicy;
use crate::verdict::SkipReason;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `cohort.name` ends here, in characters.
const NAME_CHARACTERS_MAX: usize = 254;

/// Where a guild's members go, and who of them Rollbook owns there.
pub(super) struct Target<'a> {
    /// The cohort; nothing where the plan makes it.
    pub(super) cohort: Option<CohortId>,
    /// Its members now, sorted.
    pub(super) members: &'a [MoodleUserId],
    /// Those that are owned, or are about to be.
    pub(super) owned: Cow<'a, BTreeMap<MoodleUserId, Option<CommunityUserId>>>,
}

impl<'a> Draft<'a> {
    /// Plans the cohort itself; nothing means that the guild is left alone.
    pub(super) fn plan_cohort(&mut self, guild: &Guild) -> Option<Target<'a>> {
        let Some(pair) = self.inputs.owned.pairs.get(&guild.uuid) else {
            return self.find_or_make(guild, CohortWhy::GuildIsNew);
        };
        match self.inputs.moodle.value.cohorts.get(&pair.cohort) {
            Some(cohort) => {
                let target = self.target(guild, cohort.id)?;
                self.update_cohort(guild, cohort, Some(pair));
                Some(target)
            }
            None if !self.inputs.moodle.is_complete() => {
                self.skip_guild(&guild.uuid, &guild.label, SkipReason::MembersUnread { cohort: pair.cohort });
                None
            }
            None => self.find_or_make(guild, CohortWhy::CohortVanished { was: pair.cohort }),
        }
    }

    fn find_or_make(&mut self, guild: &Guild, why: CohortWhy) -> Option<Target<'a>> {
        let name = self.names.get(&guild.uuid)?.clone();
        let refusal = if !self.inputs.scope.covers_cohorts() {
            Some(SkipReason::NoCohortYet)
        } else if name.collides {
            Some(SkipReason::NameCollision { name: name.name.clone() })
        } else {
            None
        };
        if let Some(reason) = refusal {
            self.skip_guild(&guild.uuid, &guild.label, reason);
            return None;
        }
        let holders = self.idnumbers.get(&folded_machine_name(name.name.as_str())).cloned().unwrap_or_default();
        if holders.is_empty() {
            let form = self.form(&guild.label, name.name);
            let (guild, label) = (guild.uuid.clone(), guild.label.clone());
            self.changes.push(GuildChange::CreateCohort { guild, label, form, why });
            return Some(Target { cohort: None, members: &[], owned: Cow::Owned(BTreeMap::new()) });
        }
        match self.adoptable(&holders, &name.name) {
            Ok((cohort, why)) => self.adopt(guild, cohort, &name.name, why),
            Err(reason) => {
                self.skip_guild(&guild.uuid, &guild.label, reason);
                None
            }
        }
    }

    /// The cohort that may be taken over, of those which hold an idnumber.
    fn adoptable(&self, holders: &[CohortId], name: &MachineName) -> Result<(&'a Cohort, CohortWhy), SkipReason> {
        let taken = |cohort: CohortId| SkipReason::CohortTaken { cohort, name: name.clone() };
        let cohort = match holders {
            [only] => self.inputs.moodle.value.cohorts.get(only).ok_or_else(|| taken(*only))?,
            several => return Err(taken(several.first().copied().unwrap_or(CohortId(0)))),
        };
        let owner = self.pair_of.get(&cohort.id).copied();
        let pair = owner.and_then(|uuid| Some((uuid, self.inputs.owned.pairs.get(uuid)?.state)));
        match pair {
            Some((was, PairState::Archived)) => {
                return Ok((cohort, CohortWhy::TakenUpAgain { was: was.clone() }));
            }
            Some((_, PairState::Live)) => return Err(taken(cohort.id)),
            None => {}
        }
        if !cohort.component.is_empty() {
            return Err(SkipReason::CohortOfPlugin { cohort: cohort.id, component: cohort.component.clone() });
        }
        if !self.policy.adopt.covers(name) {
            return Err(taken(cohort.id));
        }
        if cohort.context.is_some_and(|context| context != self.policy.context) {
            return Err(SkipReason::CohortElsewhere { cohort: cohort.id });
        }
        Ok((cohort, CohortWhy::MayBeAdopted))
    }

    fn adopt(&mut self, guild: &Guild, cohort: &'a Cohort, name: &MachineName, why: CohortWhy) -> Option<Target<'a>> {
        let mut target = self.target(guild, cohort.id)?;
        let owners = self.owners(guild);
        if why == CohortWhy::MayBeAdopted {
            target.owned = Cow::Owned(target.members.iter().map(|user| (*user, owners.get(user).copied())).collect());
        }
        let members = target.owned.iter().map(|(user, person)| (*user, *person)).collect();
        let (uuid, label, id) = (guild.uuid.clone(), guild.label.clone(), cohort.id);
        let idnumber = name.clone();
        self.changes.push(GuildChange::AdoptCohort { guild: uuid, label, cohort: id, idnumber, members, why });
        self.update_cohort(guild, cohort, None);
        Some(target)
    }

    fn owners(&self, guild: &Guild) -> BTreeMap<MoodleUserId, CommunityUserId> {
        let accounts = guild.members.iter().filter_map(|member| match self.people.get(&member.person) {
            Some(crate::desired::Member::Account(account)) => Some((account.id, member.person)),
            _ => None,
        });
        accounts.collect()
    }

    fn target(&mut self, guild: &Guild, cohort: CohortId) -> Option<Target<'a>> {
        let Some(members) = self.inputs.moodle.value.members.get(&cohort) else {
            self.skip_guild(&guild.uuid, &guild.label, SkipReason::MembersUnread { cohort });
            return None;
        };
        let owned = self.inputs.owned.members.get(&cohort);
        let owned = owned.map_or_else(|| Cow::Owned(BTreeMap::new()), Cow::Borrowed);
        Some(Target { cohort: Some(cohort), members, owned })
    }

    fn update_cohort(&mut self, guild: &Guild, cohort: &Cohort, pair: Option<&GuildPair>) {
        if !self.inputs.scope.covers_cohorts() {
            return;
        }
        let idnumber = self.free_idnumber(guild, cohort);
        let form = self.form(&guild.label, idnumber);
        let renamed = cohort.name != form.name || cohort.idnumber != form.idnumber.as_str();
        let why = if pair.is_some_and(|pair| pair.state == PairState::Archived) {
            CohortWhy::GuildReturned
        } else if renamed {
            CohortWhy::Renamed { from: cohort.name.clone() }
        } else if cohort.visibility != form.visibility {
            CohortWhy::VisibilityDiffers
        } else {
            return;
        };
        let (uuid, label) = (guild.uuid.clone(), guild.label.clone());
        self.changes.push(GuildChange::UpdateCohort { guild: uuid, label, cohort: cohort.id, form, why });
    }

    /// The guild's machine name where no other guild or cohort has it, else what the cohort has now. Moodle would take a
    /// second cohort of one idnumber without a word.
    fn free_idnumber(&mut self, guild: &Guild, cohort: &Cohort) -> MachineName {
        let kept = MachineName::new(cohort.idnumber.as_str());
        let Some(claim) = self.names.get(&guild.uuid).cloned() else {
            return kept;
        };
        let folded = folded_machine_name(claim.name.as_str());
        let holder = self.idnumbers.get(&folded).into_iter().flatten().find(|holder| **holder != cohort.id).copied();
        let reason = if claim.collides {
            SkipReason::NameCollision { name: claim.name }
        } else if let Some(cohort) = holder {
            SkipReason::CohortTaken { cohort, name: claim.name }
        } else {
            return claim.name;
        };
        self.skip_guild(&guild.uuid, &guild.label, reason);
        kept
    }

    pub(super) fn cohort_name(&self, label: &str) -> String {
        let words = label.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}{words}", self.policy.name_prefix)
            .chars()
            .take(NAME_CHARACTERS_MAX)
            .collect::<String>()
            .trim()
            .to_owned()
    }

    fn form(&self, label: &str, idnumber: MachineName) -> CohortForm {
        let description = self.policy.description.replace("{label}", label.trim());
        let GuildPolicy { visibility, context, .. } = *self.policy;
        CohortForm { idnumber, name: self.cohort_name(label), description, visibility, context }
    }

    /// The form of a retired cohort: hidden, with a mark on its name.
    pub(super) fn archived_form(&self, cohort: &Cohort, label: &str) -> CohortForm {
        let mark = &self.policy.archived_mark;
        let room = NAME_CHARACTERS_MAX.saturating_sub(mark.chars().count());
        let name = cohort.name.strip_suffix(mark.as_str()).unwrap_or(&cohort.name);
        let name = format!("{}{mark}", name.chars().take(room).collect::<String>());
        let form = self.form(label, MachineName::new(cohort.idnumber.as_str()));
        CohortForm { name, visibility: CohortVisibility::Hidden, ..form }
    }

    /// The label under which a guild that is gone was last seen.
    pub(super) fn last_label(&self, guild: &GuildUuid) -> String {
        self.inputs.owned.pairs.get(guild).map(|pair| pair.label.clone()).unwrap_or_default()
    }
}
