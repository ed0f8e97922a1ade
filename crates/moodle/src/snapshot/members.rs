//! The accounts that a community's members have: asked way by way, so that whoever the first way finds needs no second.

use super::cohorts::CohortSourceError;
use super::sql::MoodleDatabase;
use super::{failed, read_account};
use crate::client::MoodleReader;
use crate::client::read::UserField;
use rollbook_core::matching::{Directory, Lookup};
use rollbook_core::model::{Account, MoodleUserId};
use std::collections::BTreeSet;

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

/// Questions by their field.
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
