//! Which Moodle account a community's member has, and what must be looked up to say so.

use super::{Directory, NAME_CHARACTERS_MAX, takes_username};
use crate::model::{Account, CommunityPerson, Mail, MoodleUserId};
use crate::policy::{CommunityKey, GuildPolicy, MatchKey, MemberAccounts, UsernameCharacters};
use std::collections::BTreeSet;

/// Who a member is in Moodle.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberMatch<'a> {
    Found {
        account: &'a Account,
        /// The place of the way that found it in the configured list; 0 is the strongest.
        rank: usize,
    },
    NoAccount,
    /// Several accounts, found by one way.
    Several {
        by: MatchKey,
        accounts: Vec<MoodleUserId>,
    },
    /// Found by one way, and a stronger one speaks against it.
    Contradicted {
        by: MatchKey,
        account: MoodleUserId,
        against: MatchKey,
    },
    NotLookedUp(Lookup),
}

/// One question to Moodle's directory, in the form in which it must be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// Who has this mail address: folded, or as a community writes it.
    Mail(String),
    /// Who has this user name, which Moodle's rule takes.
    Username(String),
    /// Who has this folded idnumber.
    Idnumber(String),
    /// Whether there is such an account.
    Id(MoodleUserId),
}

impl Directory {
    /// The account of an id; `None` where it was neither found nor asked for.
    pub fn with_id(&self, id: MoodleUserId) -> Option<Option<&Account>> {
        match self.accounts.get(&id) {
            Some(account) => Some(Some(account)),
            None => self.ids_asked.contains(&id).then_some(None),
        }
    }

    /// Notes that a question was put, whatever came of it.
    pub fn asked(&mut self, lookup: &Lookup) {
        match lookup {
            Lookup::Mail(mail) => self.mails.asked.insert(mail.clone()),
            Lookup::Username(name) => self.usernames.asked.insert(name.clone()),
            Lookup::Idnumber(number) => self.guids.asked.insert(number.clone()),
            Lookup::Id(id) => self.ids_asked.insert(*id),
        };
    }

    /// How many accounts it holds.
    pub fn accounts_count(&self) -> usize {
        self.accounts.len()
    }

    fn answer(&self, lookup: &Lookup) -> Option<Vec<&Account>> {
        match lookup {
            Lookup::Mail(mail) => self.with_mail(mail),
            Lookup::Username(name) => self.with_username(name),
            Lookup::Idnumber(number) => self.with_guid(number),
            Lookup::Id(id) => self.with_id(*id).map(|account| account.into_iter().collect()),
        }
    }
}

/// Finds the account of a member: the first configured way that finds any counts.
pub fn match_member<'a>(person: &CommunityPerson, directory: &'a Directory, policy: &GuildPolicy) -> MemberMatch<'a> {
    for (rank, key) in policy.match_by.iter().enumerate() {
        let Some(lookup) = question(person, *key, policy.username_characters) else {
            continue;
        };
        let Some(holders) = directory.answer(&lookup) else {
            return MemberMatch::NotLookedUp(lookup);
        };
        match holders.as_slice() {
            [] => {}
            [account] => {
                let stronger = policy.match_by[..rank].iter();
                let against = stronger.copied().find(|stronger| speaks_against(person, account, *stronger));
                return match against {
                    Some(against) => MemberMatch::Contradicted { by: *key, account: account.id, against },
                    None => MemberMatch::Found { account, rank },
                };
            }
            several => {
                let accounts = several.iter().map(|account| account.id).collect();
                return MemberMatch::Several { by: *key, accounts };
            }
        }
    }
    MemberMatch::NoAccount
}

/// Whether person and account both have the key, and differ in it. User names are no evidence: two systems may well give
/// one human two of them.
fn speaks_against(person: &CommunityPerson, account: &Account, key: MatchKey) -> bool {
    match key {
        MatchKey::Mail => {
            let says = person.mail.as_ref().filter(|mail| !mail.folded().is_empty());
            says.is_some_and(|mail| !account.mail.trim().is_empty() && !mail.same_as(&account.mail))
        }
        MatchKey::Idnumber(key) => {
            let held = account.guid.trim().to_ascii_lowercase();
            let said = community_value(person, key);
            !held.is_empty() && !said.is_empty() && held != said
        }
        MatchKey::Username => false,
    }
}

fn community_value(person: &CommunityPerson, key: CommunityKey) -> String {
    let value = match key {
        CommunityKey::Number => person.id.to_string(),
        CommunityKey::Uuid => person.uuid.clone(),
        CommunityKey::Name => person.name.clone(),
    };
    value.trim().to_ascii_lowercase()
}

/// What must be asked before everybody can be matched, as far as that can be known now. Ask, and come again, until it is
/// empty: whoever is found by the first way needs no second question.
pub fn open_lookups<'a>(
    people: impl IntoIterator<Item = &'a CommunityPerson>,
    directory: &Directory,
    policy: &GuildPolicy,
) -> BTreeSet<Lookup> {
    let open = people.into_iter().flat_map(|person| match match_member(person, directory, policy) {
        MemberMatch::NotLookedUp(lookup) => as_written(person, &lookup).into_iter().chain([lookup]).collect(),
        MemberMatch::NoAccount => before_creation(person, directory, policy),
        MemberMatch::Found { .. } | MemberMatch::Several { .. } | MemberMatch::Contradicted { .. } => Vec::new(),
    });
    open.collect()
}

/// Where a Moodle compares exactly, an address with capitals is found only in its own spelling: that is asked too.
fn as_written(person: &CommunityPerson, lookup: &Lookup) -> Option<Lookup> {
    let written = person.mail.as_ref()?.0.trim();
    match lookup {
        Lookup::Mail(folded) if folded != written => Some(Lookup::Mail(written.to_owned())),
        Lookup::Mail(_) | Lookup::Username(_) | Lookup::Idnumber(_) | Lookup::Id(_) => None,
    }
}

/// An account is made only where user name and address are known to be free.
fn before_creation(person: &CommunityPerson, directory: &Directory, policy: &GuildPolicy) -> Vec<Lookup> {
    if policy.accounts == MemberAccounts::Skip {
        return Vec::new();
    }
    let mail = person.mail.as_ref().map(|mail| Lookup::Mail(mail.folded()));
    let username = new_username(person, policy.username_characters).map(Lookup::Username);
    mail.into_iter().chain(username).filter(|lookup| directory.answer(lookup).is_none()).collect()
}

/// The user name that an account made for this member would have: the address, else the community's own name.
pub fn new_username(person: &CommunityPerson, characters: UsernameCharacters) -> Option<String> {
    let mail = person.mail.as_ref().map(Mail::folded);
    let names = mail.into_iter().chain([person.name.trim().to_lowercase()]);
    names.into_iter().find(|name| takes_username(name, characters))
}

fn question(person: &CommunityPerson, key: MatchKey, characters: UsernameCharacters) -> Option<Lookup> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    match key {
        MatchKey::Mail => person.mail.as_ref().and_then(|mail| some(mail.folded())).map(Lookup::Mail),
        MatchKey::Username => {
            let name = person.name.trim().to_lowercase();
            takes_username(&name, characters).then_some(Lookup::Username(name))
        }
        MatchKey::Idnumber(key) => some(community_value(person, key)).map(Lookup::Idnumber),
    }
}

/// The given and family name of an account made for a member: the user name's first word and the rest of it.
pub fn new_names(person: &CommunityPerson, last_name: &str) -> (String, String) {
    let cut = |text: &str| text.chars().take(NAME_CHARACTERS_MAX).collect::<String>();
    let name = person.name.trim().replace(['<', '>'], "");
    match name.split_once(char::is_whitespace) {
        Some((first, rest)) => (cut(first), cut(rest.trim())),
        None => (cut(&name), cut(last_name)),
    }
}
