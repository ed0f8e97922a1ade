//! Who is the same human in two systems. Doubt is a value, never a guess.

use crate::model::{Account, FeedRecord, Field, Mail};
use crate::policy::{IntakePolicy, UsernameCharacters, UsernameRule};
use crate::verdict::{MailHolder, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Moodle's columns for user name and names end here, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// The accounts that were asked for, and what was asked: absence counts only for what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    accounts: BTreeMap<i64, Account>,
    by_guid: BTreeMap<String, Vec<i64>>,
    by_mail: BTreeMap<String, Vec<i64>>,
    by_username: BTreeMap<String, Vec<i64>>,
    asked: BTreeSet<String>,
}

impl Directory {
    /// Adds an account that a look-up gave; the same account twice is one.
    pub fn add(&mut self, account: Account) {
        let id = account.id.0;
        if self.accounts.contains_key(&id) {
            return;
        }
        let guid = account.guid.trim().to_ascii_lowercase();
        if !guid.is_empty() {
            self.by_guid.entry(guid).or_default().push(id);
        }
        self.by_mail.entry(Mail::new(account.mail.as_str()).folded()).or_default().push(id);
        self.by_username.entry(account.username.clone()).or_default().push(id);
        self.accounts.insert(id, account);
    }

    /// Notes that these folded GUIDs were asked for.
    pub fn asked_guids(&mut self, guids: impl IntoIterator<Item = String>) {
        self.asked.extend(guids.into_iter().map(|guid| format!("guid:{guid}")));
    }

    /// Notes that these folded mail addresses were asked for.
    pub fn asked_mails(&mut self, mails: impl IntoIterator<Item = String>) {
        self.asked.extend(mails.into_iter().map(|mail| format!("mail:{mail}")));
    }

    /// Notes that these user names were asked for.
    pub fn asked_usernames(&mut self, names: impl IntoIterator<Item = String>) {
        self.asked.extend(names.into_iter().map(|name| format!("username:{name}")));
    }

    /// The accounts of a folded GUID; `None` where it was not asked for.
    pub fn with_guid(&self, folded: &str) -> Option<Vec<&Account>> {
        self.found("guid", folded, &self.by_guid)
    }

    /// The accounts of a folded mail address; `None` where it was not asked for.
    pub fn with_mail(&self, folded: &str) -> Option<Vec<&Account>> {
        self.found("mail", folded, &self.by_mail)
    }

    /// The accounts of a user name; `None` where it was not asked for.
    pub fn with_username(&self, name: &str) -> Option<Vec<&Account>> {
        self.found("username", name, &self.by_username)
    }

    /// All accounts, by id.
    pub fn into_accounts(self) -> impl Iterator<Item = Account> {
        self.accounts.into_values()
    }

    fn found(&self, kind: &str, key: &str, index: &BTreeMap<String, Vec<i64>>) -> Option<Vec<&Account>> {
        let ids = index.get(key);
        if ids.is_none() && !self.asked.contains(&format!("{kind}:{key}")) {
            return None;
        }
        Some(ids.into_iter().flatten().filter_map(|id| self.accounts.get(id)).collect())
    }
}

/// Who a feed's person is in Moodle.
#[derive(Clone, Debug, PartialEq)]
pub enum PersonMatch<'a> {
    /// This account, beyond doubt.
    Found(&'a Account),
    /// Nobody: an account of this user name can be made.
    Free {
        /// The user name to be.
        username: String,
    },
    /// It cannot be said; the verdict carries both sides.
    Doubt(Verdict),
}

/// Finds the person of a record: by GUID; where nobody has it, the address and the derived user name must be free.
pub fn match_person<'a>(record: &FeedRecord, directory: &'a Directory, policy: &IntakePolicy) -> PersonMatch<'a> {
    let Some(holders) = directory.with_guid(&record.guid().folded()) else {
        return not_looked_up("GUID");
    };
    match holders.as_slice() {
        [] => match_by_address(record, directory, policy),
        [account] if record.mail().same_as(&account.mail) => PersonMatch::Found(account),
        [account] => mail_mismatch(record, account, directory),
        several => {
            PersonMatch::Doubt(Verdict::TwoAccounts { accounts: several.iter().map(|account| account.id).collect() })
        }
    }
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
    match username {
        Ok(username) => PersonMatch::Free { username },
        Err(name) => PersonMatch::Doubt(Verdict::UsernameRefused { username: name.into() }),
    }
}

fn mail_mismatch<'a>(record: &FeedRecord, account: &Account, directory: &'a Directory) -> PersonMatch<'a> {
    let others = directory.with_mail(&record.mail().folded());
    let third = others.and_then(|all| all.into_iter().find(|other| other.id != account.id));
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
        guid: crate::model::Guid::new(account.guid.as_str()),
    }
}

fn not_looked_up<'a>(what: &str) -> PersonMatch<'a> {
    PersonMatch::Doubt(Verdict::NotTried { why: format!("the {what} was not looked up in Moodle").into() })
}

/// The first name field that an account cannot be made with.
pub fn bad_name(record: &FeedRecord) -> Option<Field> {
    [Field::FirstName, Field::LastName].into_iter().find(|field| {
        let name = record.get(*field).trim();
        name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX
    })
}
