//! The accounts that a set of feed records is about: by GUID; where nobody has it, by address and derived user name; where
//! the address differs, whoever holds the feed's address.

use crate::client::MoodleReader;
use crate::client::read::UserField;
use crate::snapshot::cohorts::CohortSourceError;
use crate::snapshot::sql::MoodleDatabase;
use crate::snapshot::{MoodleSourceError, failed, read_account};
use rollbook_core::matching::{Directory, Lookup, derive_username};
use rollbook_core::model::{Account, FeedRecord, Guid, MoodleUserId};
use rollbook_core::policy::IntakePolicy;
use std::collections::{BTreeMap, BTreeSet};

/// Looks up everybody whom the good records among `records` are about. Values that Moodle cannot answer for count as not
/// asked.
///
/// # Errors
/// [`MoodleSourceError`]; nothing is known then.
pub async fn collect_people(
    reader: &MoodleReader,
    records: impl Iterator<Item = &FeedRecord>,
    known: &BTreeMap<String, MoodleUserId>,
    policy: &IntakePolicy,
) -> Result<Directory, MoodleSourceError> {
    let records: Vec<&FeedRecord> = records.filter(|record| record.reading.is_ok()).collect();
    let mut directory = Directory::default();
    let guids = records.iter().map(|record| record.guid().0).collect::<BTreeSet<_>>();
    let answered = ask(reader, UserField::IdNumber, guids, &mut directory).await?;
    directory.asked_guids(answered.iter().map(|guid| guid.to_ascii_lowercase()));
    // Who had an account before and is not found by GUID now is looked up by the account's id.
    let lost =
        |record: &&FeedRecord| directory.with_guid(&record.guid().folded()).is_some_and(|found| found.is_empty());
    let lost = records.iter().filter(|record| lost(record)).filter_map(|record| known.get(&record.guid().folded()));
    let lost: BTreeSet<String> = lost.map(ToString::to_string).collect();
    if !lost.is_empty() {
        ask(reader, UserField::Id, lost, &mut directory).await?;
    }

    let mut mails = BTreeSet::new();
    let mut usernames = BTreeSet::new();
    for record in records {
        let holders = directory.with_guid(&record.guid().folded()).unwrap_or_default();
        match holders.as_slice() {
            [] => {
                if !record.mail().as_str().is_empty() {
                    mails.insert(record.mail().folded());
                }
                usernames.extend(derive_username(record, policy));
            }
            [account] if !record.mail().same_as(&account.mail) => {
                mails.insert(record.mail().folded());
            }
            _ => {}
        }
    }
    let mut found = [Directory::default(), Directory::default()];
    let [by_mail, by_username] = &mut found;
    let (mails, usernames) = tokio::try_join!(
        ask(reader, UserField::Email, mails, by_mail),
        ask(reader, UserField::Username, usernames, by_username)
    )?;
    for part in found {
        part.into_accounts().for_each(|account| directory.add(account));
    }
    directory.asked_mails(mails);
    directory.asked_usernames(usernames);
    Ok(directory)
}

/// The accounts that a person's word (GUID, mail address or user name) could mean.
///
/// # Errors
/// [`MoodleSourceError`]
pub async fn find_person(reader: &MoodleReader, word: &str) -> Result<Vec<Account>, MoodleSourceError> {
    let mut directory = Directory::default();
    let word = word.trim();
    ask(reader, UserField::IdNumber, [word.to_owned()].into(), &mut directory).await?;
    ask(reader, UserField::Username, [word.to_lowercase()].into(), &mut directory).await?;
    if word.contains('@') {
        ask(reader, UserField::Email, [word.to_lowercase()].into(), &mut directory).await?;
    }
    Ok(directory.into_accounts().collect())
}

/// The accounts that have one of these GUIDs.
///
/// # Errors
/// [`MoodleSourceError`]
pub async fn find_by_guid(reader: &MoodleReader, guids: &[Guid]) -> Result<Directory, MoodleSourceError> {
    let mut directory = Directory::default();
    let answered =
        ask(reader, UserField::IdNumber, guids.iter().map(|guid| guid.0.clone()).collect(), &mut directory).await?;
    directory.asked_guids(answered.iter().map(|guid| guid.to_ascii_lowercase()));
    Ok(directory)
}

/// The accounts that have one of these folded mail addresses.
///
/// # Errors
/// [`MoodleSourceError`]
pub async fn find_by_mail(reader: &MoodleReader, mails: BTreeSet<String>) -> Result<Directory, MoodleSourceError> {
    let mut directory = Directory::default();
    let answered = ask(reader, UserField::Email, mails, &mut directory).await?;
    directory.asked_mails(answered);
    Ok(directory)
}

/// The accounts of these ids; deleted ones are left out.
///
/// # Errors
/// [`MoodleSourceError`]
pub async fn find_by_id(reader: &MoodleReader, users: &[MoodleUserId]) -> Result<Vec<Account>, MoodleSourceError> {
    let mut directory = Directory::default();
    ask(reader, UserField::Id, users.iter().map(ToString::to_string).collect(), &mut directory).await?;
    Ok(directory.into_accounts().collect())
}

/// Asks for accounts and adds them; gives the values that Moodle answered for.
async fn ask(
    reader: &MoodleReader,
    field: UserField,
    mut values: BTreeSet<String>,
    directory: &mut Directory,
) -> Result<BTreeSet<String>, MoodleSourceError> {
    let list: Vec<String> = values.iter().cloned().collect();
    let found = reader.fetch_users(field, &list).await.map_err(failed("looking up accounts"))?;
    for user in found.users {
        if let Some(account) = read_account(user)? {
            directory.add(account);
        }
    }
    for (value, _refusal) in &found.poisoned {
        values.remove(value);
    }
    Ok(values)
}

// The accounts that a community's members have: asked way by way, so that whoever the first way finds needs no second.

/// Puts questions and adds the answers; a value that Moodle cannot answer for counts as not asked. Gives whether anything
/// was learnt, so that a caller who asks again and again comes to an end.
///
/// # Errors
/// [`CohortSourceError`]
pub async fn look_up(
    reader: &MoodleReader,
    database: Option<&MoodleDatabase>,
    questions: &BTreeSet<Lookup>,
    directory: &mut Directory,
) -> Result<bool, CohortSourceError> {
    if questions.is_empty() {
        return Ok(false);
    }
    let values = Values::of(questions);
    let (accounts, poisoned) = match database {
        Some(database) => (database.fetch_accounts(&values).await?, BTreeSet::new()),
        None => from_services(reader, &values).await?,
    };
    for account in accounts {
        directory.add(account);
    }
    let answered = questions.iter().filter(|question| !poisoned.contains(*question));
    Ok(answered.map(|question| directory.asked(question)).count() > 0)
}

#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) ids: Vec<MoodleUserId>,
    pub(super) mails: Vec<String>,
    pub(super) usernames: Vec<String>,
    pub(super) idnumbers: Vec<String>,
}

impl Values {
    fn of(questions: &BTreeSet<Lookup>) -> Self {
        let mut values = Self::default();
        for question in questions {
            match question {
                Lookup::Mail(mail) => values.mails.push(mail.clone()),
                Lookup::Username(name) => values.usernames.push(name.clone()),
                Lookup::Idnumber(number) => values.idnumbers.push(number.clone()),
                Lookup::Id(id) => values.ids.push(*id),
            }
        }
        values
    }
}

async fn from_services(
    reader: &MoodleReader,
    values: &Values,
) -> Result<(Vec<Account>, BTreeSet<Lookup>), CohortSourceError> {
    let ids: Vec<String> = values.ids.iter().map(ToString::to_string).collect();
    let found = tokio::try_join!(
        reader.fetch_users(UserField::Email, &values.mails),
        reader.fetch_users(UserField::Username, &values.usernames),
        reader.fetch_users(UserField::IdNumber, &values.idnumbers),
        reader.fetch_users(UserField::Id, &ids)
    );
    let (mails, usernames, idnumbers, ids) = found.map_err(failed("looking up the members' accounts"))?;
    let as_id = |text: String| Lookup::Id(MoodleUserId(text.parse().unwrap_or_default()));
    type Ask = fn(String) -> Lookup;
    let fields: [(_, Ask); 4] =
        [(mails, Lookup::Mail), (usernames, Lookup::Username), (idnumbers, Lookup::Idnumber), (ids, as_id)];
    let (mut accounts, mut poisoned) = (Vec::new(), BTreeSet::new());
    for (found, question) in fields {
        for user in found.users {
            accounts.extend(read_account(user)?);
        }
        poisoned.extend(found.poisoned.into_iter().map(|(value, _refusal)| question(value)));
    }
    Ok((accounts, poisoned))
}
