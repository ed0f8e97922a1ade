//! Role assignments: what the mapping wants, against what Rollbook owns and, where the database tells, what is there.
//!
//! Several guilds may want one assignment. It is made for the first, claimed by the others, and taken away with the last.

use super::draft::{Claims, Draft};
use super::{GuildChange, GuildSkip, MemberRef, RoleChange, RoleWhy};
use crate::model::{Assignment, CommunityUserId, GuildRole, GuildUuid, MoodleUserId, fits_pattern};
use crate::policy::{RoleGiver, RoleRule, RolesBy};
use crate::verdict::SkipReason;
use std::collections::{BTreeMap, BTreeSet};

impl Draft<'_> {
    /// Notes what the mapping gives a member.
    pub(super) fn want_roles(
        &mut self,
        guild: &GuildUuid,
        person: CommunityUserId,
        roles: &BTreeSet<&GuildRole>,
        user: MemberRef,
    ) {
        if self.policy.roles_by == RolesBy::Moodle {
            return;
        }
        for RoleRule { giver, role, context } in &self.policy.roles {
            let why = match giver {
                RoleGiver::EveryMember => RoleWhy::Member,
                RoleGiver::Role(pattern) => {
                    match roles.iter().find(|role| fits_pattern(pattern.as_str(), role.as_str())) {
                        Some(role) => RoleWhy::Given { role: (*role).clone() },
                        None => continue,
                    }
                }
            };
            let claims = match user {
                MemberRef::Account(user) => {
                    let assignment = Assignment { user, role: *role, context: *context };
                    self.desired_roles.wanted.entry(assignment).or_default()
                }
                MemberRef::New(person) => self.desired_roles.of_new.entry((person, *role, *context)).or_default(),
            };
            claims.entry(guild.clone()).or_insert((person, why));
        }
    }

    pub(super) fn plan_roles(&mut self) {
        let wanted = std::mem::take(&mut self.desired_roles.wanted);
        for (assignment, claims) in &wanted {
            self.plan_wanted(*assignment, claims);
        }
        for ((person, role, context), claims) in std::mem::take(&mut self.desired_roles.of_new) {
            for (index, (guild, (_, why))) in claims.into_iter().enumerate() {
                let (user, name) = (MemberRef::New(person), self.name_of(Some(person), None));
                let change = RoleChange { guild, user, role, context, person: Some(person), name, why };
                let first = index == 0;
                self.changes.push(if first { GuildChange::AssignRole(change) } else { GuildChange::ClaimRole(change) });
            }
        }
        for (assignment, owners) in &self.inputs.owned.assignments {
            self.plan_unwanted(*assignment, owners, wanted.get(assignment));
        }
    }

    fn plan_wanted(&mut self, assignment: Assignment, claims: &Claims) {
        let owners = self.inputs.owned.assignments.get(&assignment);
        let seen = self.inputs.moodle.value.assignments.as_ref().map(|all| all.contains(&assignment));
        if owners.is_none() && seen == Some(true) {
            for (guild, (person, _)) in claims {
                let name = self.name_of(Some(*person), Some(assignment.user));
                let reason = SkipReason::RoleNotOurs { assignment };
                self.skips.push(GuildSkip { guild: Some(guild.clone()), person: Some(*person), name, reason });
            }
            return;
        }
        let mut there = owners.is_some() && seen != Some(false);
        for (guild, (person, why)) in claims {
            let claimed = owners.is_some_and(|owners| owners.contains_key(guild));
            if there && claimed {
                continue;
            }
            let change = self.role_change(guild, assignment, Some(*person), why.clone());
            self.changes.push(if there { GuildChange::ClaimRole(change) } else { GuildChange::AssignRole(change) });
            there = true;
        }
    }

    fn plan_unwanted(
        &mut self,
        assignment: Assignment,
        owners: &BTreeMap<GuildUuid, Option<CommunityUserId>>,
        wanted: Option<&Claims>,
    ) {
        let lost: Vec<_> = owners.iter().filter(|(guild, person)| self.is_lost(guild, **person, wanted)).collect();
        if lost.is_empty() {
            return;
        }
        let user = assignment.user;
        let reason = match (self.protection(user), self.hold()) {
            (Some(entry), _) => Some(SkipReason::Protected { entry }),
            (None, Some(hold)) => Some(SkipReason::HeldBack { user: Some(user), hold }),
            (None, None) => None,
        };
        if let Some(reason) = reason {
            for (guild, person) in lost {
                self.skip_member(guild, *person, Some(user), reason.clone());
            }
            return;
        }
        let observed = self.inputs.moodle.value.assignments.as_ref();
        let gone = observed.is_some_and(|all| !all.contains(&assignment));
        let mut needed = gone || wanted.is_some() || lost.len() < owners.len();
        for (guild, person) in lost {
            let why = if gone { RoleWhy::GoneAlready } else { self.why_lost(guild, *person, user) };
            let change = self.role_change(guild, assignment, *person, why);
            self.changes.push(if needed {
                GuildChange::ReleaseRole(change)
            } else {
                GuildChange::UnassignRole(change)
            });
            needed = true;
        }
    }

    /// Whether a guild no longer wants an assignment that is owned on its behalf.
    fn is_lost(&self, guild: &GuildUuid, person: Option<CommunityUserId>, wanted: Option<&Claims>) -> bool {
        let roles = &self.desired_roles;
        let looked_at = roles.looked_at.contains(guild) && self.is_about(person);
        let kept = person.is_some_and(|person| roles.kept.contains(&(guild.clone(), person)));
        (looked_at || roles.retired.contains(guild))
            && !kept
            && !wanted.is_some_and(|claims| claims.contains_key(guild))
    }

    fn why_lost(&self, guild: &GuildUuid, person: Option<CommunityUserId>, user: MoodleUserId) -> RoleWhy {
        if self.desired_roles.retired.contains(guild) {
            return RoleWhy::GuildGone;
        }
        let view = self.inputs.community.value.guilds.iter().find(|view| view.uuid == *guild);
        let member = |person| view.is_some_and(|view| view.members.iter().any(|member| member.person == person));
        let account = |person| match self.people.get(&person) {
            Some(crate::desired::Member::Account(account)) => account.id == user,
            _ => false,
        };
        let still = person.is_some_and(|person| member(person) && account(person));
        if still { RoleWhy::NoLongerGiven } else { RoleWhy::Left }
    }

    fn role_change(
        &self,
        guild: &GuildUuid,
        assignment: Assignment,
        person: Option<CommunityUserId>,
        why: RoleWhy,
    ) -> RoleChange {
        let Assignment { user, role, context } = assignment;
        let name = self.name_of(person, Some(user));
        RoleChange { guild: guild.clone(), user: MemberRef::Account(user), role, context, person, name, why }
    }
}
