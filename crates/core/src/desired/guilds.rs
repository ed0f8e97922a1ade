//! Who of a community is who in Moodle, and which guild may use which machine name.

use crate::matching::{Directory, MemberMatch, match_member, new_names, new_username};
use crate::model::{
    Account, Community, CommunityPerson, CommunityUserId, GuildUuid, MachineName, Mail, MoodleUserId, Owned, PairState,
    PersonState, folded_machine_name, machine_name,
};
use crate::policy::{CommunityKey, GuildPolicy, MatchKey, MemberAccounts};
use crate::verdict::SkipReason;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An account to be made for a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMember {
    pub person: CommunityUserId,
    /// The user name, which Moodle's rule takes and nobody has.
    pub username: String,
    pub mail: Mail,
    pub first_name: String,
    pub last_name: String,
    pub auth: String,
}

/// What a person of the community means for Moodle.
#[derive(Clone, Debug, PartialEq)]
pub enum Member<'a> {
    /// This account shall be where the guilds say.
    Account(&'a Account),
    /// An account is made first.
    New(NewMember),
    /// Nothing is done for them, and why.
    SkipReason(SkipReason),
}

/// Everybody of the community, matched once.
pub fn match_people<'a>(
    community: &Community,
    directory: &'a Directory,
    policy: &GuildPolicy,
) -> BTreeMap<CommunityUserId, Member<'a>> {
    let mut people = BTreeMap::new();
    let mut found = BTreeMap::<MoodleUserId, Vec<(usize, CommunityUserId)>>::new();
    for person in community.people.values() {
        let member = match community.state_of(person.id) {
            PersonState::Blocked => Member::SkipReason(SkipReason::Blocked),
            PersonState::Hidden => Member::SkipReason(SkipReason::Hidden),
            PersonState::Active => {
                let (member, rank) = match_active(person, directory, policy);
                if let (Member::Account(account), Some(rank)) = (&member, rank) {
                    found.entry(account.id).or_default().push((rank, person.id));
                }
                member
            }
        };
        people.insert(person.id, member);
    }
    refuse_ambiguous_matches(&mut people, found);
    refuse_equal_usernames(&mut people);
    people
}

fn match_active<'a>(
    person: &CommunityPerson,
    directory: &'a Directory,
    policy: &GuildPolicy,
) -> (Member<'a>, Option<usize>) {
    let (account, rank) = match match_member(person, directory, policy) {
        MemberMatch::Found { account, rank } => (Ok(account), Some(rank)),
        MemberMatch::NoAccount => (Err(SkipReason::NoAccount), None),
        MemberMatch::Several { by, accounts } => {
            (Err(SkipReason::Several { by: words_of(by).to_owned(), accounts: accounts.into() }), None)
        }
        MemberMatch::Contradicted { by, account, against } => {
            let [by, against] = [by, against].map(|key| words_of(key).to_owned());
            (Err(SkipReason::Contradicted { by, account, against }), None)
        }
        MemberMatch::NotLookedUp(_) => (Err(SkipReason::NotLookedUp), None),
    };
    if let Some(entry) = policy.protected.entry_for_member(Some(person), account.as_ref().ok().copied()) {
        return (Member::SkipReason(SkipReason::Protected { entry }), None);
    }
    let member = match account {
        Ok(account) => Member::Account(account),
        Err(SkipReason::NoAccount) => new_member(person, directory, policy),
        Err(reason) => Member::SkipReason(reason),
    };
    (member, rank)
}

fn new_member<'a>(person: &CommunityPerson, directory: &'a Directory, policy: &GuildPolicy) -> Member<'a> {
    let MemberAccounts::Create(rule) = &policy.accounts else {
        return Member::SkipReason(SkipReason::NoAccount);
    };
    let (first_name, last_name) = new_names(person, &rule.last_name);
    let usable = !first_name.is_empty() && !last_name.is_empty();
    let (Some(mail), Some(username), true) = (&person.mail, new_username(person, policy.username_characters), usable)
    else {
        return Member::SkipReason(SkipReason::NoUsableName);
    };
    match (directory.with_username(&username), directory.with_mail(&mail.folded())) {
        (Some(named), Some(addressed)) if named.is_empty() && addressed.is_empty() => {
            let (mail, auth) = (mail.clone(), rule.auth.clone());
            Member::New(NewMember { person: person.id, username, mail, first_name, last_name, auth })
        }
        (Some(_), Some(_)) => Member::SkipReason(SkipReason::UsernameTaken { username }),
        (None, _) | (_, None) => Member::SkipReason(SkipReason::NotLookedUp),
    }
}

/// Where one account fits several people, the strongest way counts; where that is several too, nobody gets it.
fn refuse_ambiguous_matches(
    people: &mut BTreeMap<CommunityUserId, Member<'_>>,
    found: BTreeMap<MoodleUserId, Vec<(usize, CommunityUserId)>>,
) {
    for (account, mut ambiguous_matches) in
        found.into_iter().filter(|(_, ambiguous_matches)| ambiguous_matches.len() > 1)
    {
        ambiguous_matches.sort_unstable();
        let (best, first) = ambiguous_matches[0];
        let second = ambiguous_matches[1];
        let winner = (second.0 != best).then_some(first);
        for (_, person) in ambiguous_matches.iter().filter(|(_, person)| Some(*person) != winner) {
            let by = if *person == first { second.1 } else { first };
            people.insert(*person, Member::SkipReason(SkipReason::AccountTaken { account, by }));
        }
    }
}

/// Two members who would get accounts of one user name or address: neither gets one.
fn refuse_equal_usernames(people: &mut BTreeMap<CommunityUserId, Member<'_>>) {
    let mut wanted = BTreeMap::<String, Vec<CommunityUserId>>::new();
    for member in people.values() {
        if let Member::New(new) = member {
            let words = BTreeSet::from([new.username.clone(), new.mail.folded()]);
            for word in words {
                wanted.entry(word).or_default().push(new.person);
            }
        }
    }
    for (username, ambiguous_matches) in wanted.into_iter().filter(|(_, ambiguous_matches)| ambiguous_matches.len() > 1)
    {
        for person in ambiguous_matches {
            people.insert(person, Member::SkipReason(SkipReason::UsernameTaken { username: username.clone() }));
        }
    }
}

fn words_of(key: MatchKey) -> &'static str {
    match key {
        MatchKey::Mail => "mail address",
        MatchKey::Username => "user name",
        MatchKey::Idnumber(CommunityKey::Number) => "idnumber (community number)",
        MatchKey::Idnumber(CommunityKey::Uuid) => "idnumber (community UUID)",
        MatchKey::Idnumber(CommunityKey::Name) => "idnumber (community name)",
    }
}

/// The machine name of each guild in view, and whether it may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameClaim {
    pub name: MachineName,
    /// Whether another guild has it too, and this one did not have it first.
    pub collides: bool,
}

/// Who may use which machine name. A guild that has a cohort of that name already keeps it, until it is retired.
pub fn claim_names(community: &Community, owned: &Owned) -> BTreeMap<GuildUuid, NameClaim> {
    let in_view: BTreeMap<&GuildUuid, MachineName> =
        community.guilds.iter().map(|guild| (&guild.uuid, machine_name(guild))).collect();
    let mut claims = BTreeMap::<String, BTreeSet<&GuildUuid>>::new();
    for (uuid, name) in &in_view {
        claims.entry(folded_machine_name(name.as_str())).or_default().insert(uuid);
    }
    let mut held = BTreeMap::<String, &GuildUuid>::new();
    for (uuid, pair) in owned.pairs.iter().filter(|(_, pair)| pair.state == PairState::Live) {
        let name = folded_machine_name(pair.machine_name.as_str());
        held.insert(name.clone(), uuid);
        claims.entry(name).or_default().insert(uuid);
    }
    let collides = |uuid: &GuildUuid, name: &MachineName| {
        let name = folded_machine_name(name.as_str());
        let several = claims.get(&name).is_some_and(|guilds| guilds.len() > 1);
        several && held.get(&name) != Some(&uuid)
    };
    let claim =
        |(uuid, name): (&GuildUuid, MachineName)| (uuid.clone(), NameClaim { collides: collides(uuid, &name), name });
    in_view.into_iter().map(claim).collect()
}
