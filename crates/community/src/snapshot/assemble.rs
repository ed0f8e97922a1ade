//! Rows → a community, whichever way they came.

use super::GroupSelection;
use rollbook_core::model::{
    Absence, CanaryAccount, Community, CommunityPerson, CommunityUserId, GroupId, Guild, GuildMember, GuildRole,
    GuildStatus, GuildUuid, Identity, Mail, NameHints, PersonState,
};
use std::collections::{BTreeMap, BTreeSet};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupRow {
    /// The machine name of its type.
    pub(super) kind: String,
    pub(super) number: GroupId,
    pub(super) uuid: GuildUuid,
    pub(super) label: String,
    pub(super) status: GuildStatus,
    pub(super) hints: NameHints,
}

/// One person in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MembershipRow {
    pub(super) group: GroupId,
    pub(super) person: CommunityUserId,
    pub(super) roles: Vec<GuildRole>,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) groups: Vec<GroupRow>,
    pub(super) memberships: Vec<MembershipRow>,
    pub(super) people: Vec<CommunityPerson>,
    pub(super) missing: BTreeMap<GuildUuid, Absence>,
}

/// Puts guilds together, in the order of their numbers. Memberships of groups that are not shown, and of people who are not
/// there at all, are dropped; a person twice in one guild is one member with the roles of both.
pub(super) fn assemble(
    rows: Rows,
    selection: &GroupSelection,
    identity: Identity,
    sentinel: CanaryAccount,
) -> Community {
    let people: BTreeMap<CommunityUserId, CommunityPerson> =
        rows.people.into_iter().map(|person| (person.id, person)).collect();
    let mut members = BTreeMap::<GroupId, BTreeMap<CommunityUserId, BTreeSet<GuildRole>>>::new();
    for MembershipRow { group, person, roles } in rows.memberships {
        if people.contains_key(&person) {
            members.entry(group).or_default().entry(person).or_default().extend(roles);
        }
    }
    let groups: BTreeMap<GroupId, GroupRow> = rows.groups.into_iter().map(|group| (group.number, group)).collect();
    let guilds = groups.into_values().map(|GroupRow { kind, number, uuid, label, status, hints }| {
        let members = members.remove(&number).unwrap_or_default().into_iter();
        let members = members.map(|(person, roles)| GuildMember { person, roles: roles.into_iter().collect() });
        let mut guild = Guild { uuid, number, label, status, hints, members: members.collect() };
        selection.name(&mut guild, &kind);
        guild
    });
    let guilds: Vec<Guild> = guilds.collect();
    let members: BTreeSet<_> = guilds.iter().flat_map(|guild| &guild.members).map(|member| member.person).collect();
    let people = people.into_iter().filter(|(id, _)| members.contains(id)).collect();
    Community { guilds, people, missing: rows.missing, identity, sentinel }
}

/// A person as both ways describe them.
pub(super) fn person(
    id: CommunityUserId,
    uuid: String,
    name: String,
    mail: Option<String>,
    state: PersonState,
) -> CommunityPerson {
    let mail = mail.filter(|mail| !mail.trim().is_empty()).map(Mail);
    CommunityPerson { id, uuid, name, mail, state }
}

/// Whether a word (number, user name, mail address) means this person.
pub(super) fn is_meant(person: &CommunityPerson, word: &str) -> bool {
    let word = word.trim();
    let by_number = word.parse() == Ok(person.id.0);
    let by_name = !person.name.is_empty() && person.name.to_lowercase() == word.to_lowercase();
    by_number || by_name || person.mail.as_ref().is_some_and(|mail| mail.same_as(word))
}

/// Whether the sentinel is one of these people, and shown as somebody who may log in.
pub(super) fn look_for_sentinel<'a>(
    sentinel: Option<&str>,
    mut members: impl Iterator<Item = &'a CommunityPerson>,
) -> CanaryAccount {
    match sentinel {
        None => CanaryAccount::NotConfigured,
        Some(word) => {
            let seen = |person: &CommunityPerson| person.state == PersonState::Active && is_meant(person, word);
            if members.any(seen) { CanaryAccount::Seen } else { CanaryAccount::Unseen }
        }
    }
}
