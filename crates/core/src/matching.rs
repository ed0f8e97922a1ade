//! Who is the same human in two systems. Doubt is a value, never a guess.

mod members;

pub use members::{Lookup, MemberMatch, match_member, new_names, new_username, open_lookups};

use crate::model::{Account, FeedRecord, Field, Guid, Mail, MoodleUserId};
use crate::policy::{IntakePolicy, UsernameCharacters, UsernameRule};
use crate::verdict::{MailHolder, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Moodle's columns for user name and names end here, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// The accounts that were asked for, and what was asked: only for what was asked is it known who there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    accounts: BTreeMap<MoodleUserId, Account>,
    guids: Index,
    mails: Index,
    usernames: Index,
    ids_asked: BTreeSet<MoodleUserId>,
}

/// What was asked for by one field, and who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Index {
    asked: BTreeSet<String>,
    holders: BTreeMap<String, Vec<MoodleUserId>>,
}

impl Directory {
    /// Adds an account that a look-up gave; the same account twice is one.
    pub fn add(&mut self, account: Account) {
        let id = account.id;
        if self.accounts.contains_key(&id) {
            return;
        }
        let guid = Guid::new(account.guid.as_str()).folded();
        if !guid.is_empty() {
            self.guids.holders.entry(guid).or_default().push(id);
        }
        self.mails.holders.entry(Mail::new(account.mail.as_str()).folded()).or_default().push(id);
        self.usernames.holders.entry(account.username.to_lowercase()).or_default().push(id);
        self.accounts.insert(id, account);
    }

    /// Notes that these folded GUIDs were asked for.
    pub fn asked_guids(&mut self, guids: impl IntoIterator<Item = String>) {
        self.guids.asked.extend(guids);
    }

    /// Notes that these folded mail addresses were asked for.
    pub fn asked_mails(&mut self, mails: impl IntoIterator<Item = String>) {
        self.mails.asked.extend(mails);
    }

    /// Notes that these user names, in lower case, were asked for.
    pub fn asked_usernames(&mut self, names: impl IntoIterator<Item = String>) {
        self.usernames.asked.extend(names);
    }

    /// The account of an id, if a look-up gave it.
    pub fn account(&self, id: MoodleUserId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The accounts of a folded GUID; `None` where it was not asked for.
    pub fn with_guid(&self, folded: &str) -> Option<Vec<&Account>> {
        self.found(&self.guids, folded)
    }

    /// The accounts of a folded mail address; `None` where it was not asked for.
    pub fn with_mail(&self, folded: &str) -> Option<Vec<&Account>> {
        self.found(&self.mails, folded)
    }

    /// The accounts of a user name in lower case; `None` where it was not asked for.
    pub fn with_username(&self, name: &str) -> Option<Vec<&Account>> {
        self.found(&self.usernames, name)
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// All accounts, by id.
    pub fn into_accounts(self) -> impl Iterator<Item = Account> {
        self.accounts.into_values()
    }

    /// An account that another look-up happened to give is no answer: there may be a second one.
    fn found(&self, index: &Index, key: &str) -> Option<Vec<&Account>> {
        if !index.asked.contains(key) {
            return None;
        }
        let ids = index.holders.get(key).into_iter().flatten();
        Some(ids.filter_map(|id| self.accounts.get(id)).collect())
    }
}

/// Who a feed's person is in Moodle.
#[derive(Clone, Debug, PartialEq)]
pub enum PersonMatch<'a> {
    /// This account, beyond doubt.
    Found(&'a Account),
    /// Nobody: an account can be made.
    Free {
        /// The user name to be, or the one that Moodle's rule refuses.
        username: Result<String, String>,
    },
    /// It cannot be said; the verdict carries both sides.
    Doubt(Verdict),
}

/// Finds the person of a record: by GUID; where nobody has it, the address and the derived user name must be free.
/// `known` is the account that each folded GUID had before: one that has lost its GUID is no reason to make a second one.
pub fn match_person<'a>(
    record: &FeedRecord,
    directory: &'a Directory,
    known: &BTreeMap<String, MoodleUserId>,
    policy: &IntakePolicy,
) -> PersonMatch<'a> {
    let Some(holders) = directory.with_guid(&record.guid().folded()) else {
        return not_looked_up("GUID");
    };
    match holders.as_slice() {
        [] => lost_guid(record, directory, known).unwrap_or_else(|| match_by_address(record, directory, policy)),
        [account] if record.mail().same_as(&account.mail) => PersonMatch::Found(account),
        [account] => mail_mismatch(record, account, directory),
        several => two_accounts(several),
    }
}

/// Finds a person who leaves: the GUID is enough, since the mailbox may be gone. `matched` is what the person's newest
/// address led to; it counts where nobody has the GUID.
pub fn match_leaver<'a>(
    record: &FeedRecord,
    matched: &PersonMatch<'a>,
    directory: &'a Directory,
    known: &BTreeMap<String, MoodleUserId>,
) -> PersonMatch<'a> {
    let Some(holders) = directory.with_guid(&record.guid().folded()) else {
        return not_looked_up("GUID");
    };
    let nobody = || PersonMatch::Free { username: Err(String::new()) };
    match holders.as_slice() {
        [account] => PersonMatch::Found(account),
        [] => match (lost_guid(record, directory, known), matched) {
            (Some(lost), _) => lost,
            (None, PersonMatch::Doubt(_)) if !record.mail().as_str().is_empty() => matched.clone(),
            (None, _) => nobody(),
        },
        several => two_accounts(several),
    }
}

/// The account that had this GUID before and has another now, or none.
fn lost_guid<'a>(
    record: &FeedRecord,
    directory: &Directory,
    known: &BTreeMap<String, MoodleUserId>,
) -> Option<PersonMatch<'a>> {
    let account = directory.account(*known.get(&record.guid().folded())?)?;
    Some(PersonMatch::Doubt(Verdict::GuidLost { account: Box::new(holder(account)), was: record.guid() }))
}

fn two_accounts<'a>(accounts: &[&Account]) -> PersonMatch<'a> {
    PersonMatch::Doubt(Verdict::TwoAccounts { accounts: accounts.iter().map(|account| account.id).collect() })
}

/// The user name that an account of this record would have, and whether Moodle's rule takes it.
pub fn derive_username(record: &FeedRecord, policy: &IntakePolicy) -> Result<String, String> {
    let mail = record.mail().folded();
    let guid = record.guid().as_str().to_lowercase();
    let takes = |name: &str| takes_username(name, policy.username_characters);
    let name = match policy.username {
        UsernameRule::Mail => mail,
        UsernameRule::Guid => guid,
        UsernameRule::MailThenGuid if takes(&mail) => mail,
        UsernameRule::MailThenGuid => guid,
    };
    if takes(&name) { Ok(name) } else { Err(name) }
}

fn takes_username(name: &str, characters: UsernameCharacters) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._@".contains(c);
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARACTERS_MAX;
    fits && match characters {
        UsernameCharacters::Plain => name.chars().all(plain),
        UsernameCharacters::Extended => name.trim() == name && name.to_lowercase() == name,
    }
}

/// Nobody has the GUID: the address and the derived user name must be free too.
fn match_by_address<'a>(record: &FeedRecord, directory: &'a Directory, policy: &IntakePolicy) -> PersonMatch<'a> {
    let Some(mut holders) = directory.with_mail(&record.mail().folded()) else {
        return not_looked_up("mail address");
    };
    let username = derive_username(record, policy);
    if let Ok(name) = &username {
        let Some(named) = directory.with_username(name) else {
            return not_looked_up("user name");
        };
        holders.extend(named);
    }
    holders.sort_by_key(|account| account.id);
    holders.dedup_by_key(|account| account.id);
    if !holders.is_empty() {
        return PersonMatch::Doubt(Verdict::GuidChanged { holders: holders.into_iter().map(holder).collect() });
    }
    PersonMatch::Free { username }
}

fn mail_mismatch<'a>(record: &FeedRecord, account: &Account, directory: &'a Directory) -> PersonMatch<'a> {
    let Some(others) = directory.with_mail(&record.mail().folded()) else {
        return not_looked_up("mail address");
    };
    let third = others.into_iter().find(|other| other.id != account.id);
    PersonMatch::Doubt(Verdict::MailMismatch {
        account: Box::new(holder(account)),
        third: third.map(|third| Box::new(holder(third))),
    })
}

fn holder(account: &Account) -> MailHolder {
    MailHolder {
        id: account.id,
        username: account.username.clone(),
        mail: Mail::new(account.mail.as_str()),
        guid: Guid::new(account.guid.as_str()),
    }
}

fn not_looked_up<'a>(what: &str) -> PersonMatch<'a> {
    PersonMatch::Doubt(Verdict::NotTried { why: format!("the {what} was not looked up in Moodle").into() })
}

/// The given and family name of an account that is made, neither of which Moodle takes empty: whoever has one name gets
/// `missing` for the other, where the policy has a word for it.
///
/// # Errors
/// [`Verdict::NameMissing`] with the first field that an account cannot be made with.
pub fn account_names(record: &FeedRecord, missing: Option<&str>) -> Result<[String; 2], Verdict> {
    let fields = [Field::FirstName, Field::LastName];
    let names = fields.map(|field| record.get(field).trim());
    let some = names.iter().any(|name| !name.is_empty());
    let names = names.map(|name| match missing {
        Some(missing) if name.is_empty() && some => missing,
        _ => name,
    });
    for (field, name) in fields.into_iter().zip(names) {
        let too_long = name.chars().count() > NAME_CHARACTERS_MAX;
        if name.is_empty() || too_long {
            return Err(Verdict::NameMissing { field, too_long });
        }
    }
    Ok(names.map(str::to_owned))
}
