//! Proof that the token sees what is there. A token with too few rights is answered `[]`, which looks like "does not
//! exist"; acting on that would make everybody twice. So before the first write of a run a known account must be seen,
//! by every field that people are looked up by, and with every field that is needed.

mod guilds;
mod rights;

pub use guilds::{GuildPreflight, LooksUp, run_guild_preflight, run_people_preflight};
pub use rights::{Wanted, prove_rights};

use super::{MoodleSourceError, failed};
use crate::client::read::UserField;
use crate::client::wire::{WireSiteInfo, WireUser};
use crate::client::{Function, MoodleReader};
use rollbook_core::model::MoodleUserId;

/// The account that must be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CanaryAccount {
    /// A GUID, mail address or user name that the operator named.
    Named(String),
    /// An account that Rollbook met before, or else Moodle's first administrator.
    Account(MoodleUserId),
}

/// The proof: without one nothing can be applied.
#[derive(Clone, Debug)]
pub struct Preflight {
    service_account: MoodleUserId,
    service_name: String,
    version: u64,
}

impl Preflight {
    /// The account that the token belongs to; never touched.
    pub fn service_account(&self) -> MoodleUserId {
        self.service_account
    }

    /// That account's user name.
    pub fn service_name(&self) -> &str {
        &self.service_name
    }

    /// Moodle's version, as the digits before its dot.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// What intake calls.
const NEEDED: [Function; 6] = [
    Function::UsersByField,
    Function::CreateUsers,
    Function::CoursesByField,
    Function::Enrol,
    Function::EnrolledUsers,
    Function::UsersCourses,
];

/// Proves the sight. Calls: the site's information, and one look-up for each field.
///
/// # Errors
/// [`MoodleSourceError::InsufficientPermissions`] names the function or capability that is missing.
pub async fn run_preflight(reader: &MoodleReader, sentinel: &CanaryAccount) -> Result<Preflight, MoodleSourceError> {
    let info = reader.fetch_site_info().await.map_err(failed("asking who the token is"))?;
    check_functions(&info)?;
    check_address(reader, &info)?;
    let seen = find_sentinel(reader, sentinel).await?;
    check_fields(&seen)?;
    let username = [seen.username.unwrap_or_default()];
    let mail = [seen.email.unwrap_or_default()];
    let guid = seen.idnumber.map(|guid| [guid]);
    let by_guid = async {
        match &guid {
            Some(guid) => is_seen(reader, UserField::IdNumber, guid, seen.id).await,
            None => Ok(true),
        }
    };
    let (by_username, by_mail, by_guid) = tokio::try_join!(
        is_seen(reader, UserField::Username, &username, seen.id),
        is_seen(reader, UserField::Email, &mail, seen.id),
        by_guid
    )?;
    for (found, field, capability) in [
        (by_username, "user name", "moodle/user:viewalldetails"),
        (by_guid, "ID number", "moodle/user:viewalldetails"),
        (by_mail, "mail address", "moodle/site:viewuseridentity, with email among the site's showuseridentity"),
    ] {
        if !found {
            return Err(blind(&format!("a known account is not found by its {field}"), capability));
        }
    }
    let version = info.version_number();
    Ok(Preflight { service_account: info.userid, service_name: info.username, version })
}

fn check_functions(info: &WireSiteInfo) -> Result<(), MoodleSourceError> {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|function| !info.offers(**function)).map(|function| function.name()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(blind(
        &format!("its service lacks {}", missing.join(", ")),
        "add the functions to the external service of the token",
    ))
}

fn check_address(reader: &MoodleReader, info: &WireSiteInfo) -> Result<(), MoodleSourceError> {
    let (ours, theirs) = (reader.client().site_url(), info.siteurl.trim_end_matches('/'));
    if ours == theirs {
        return Ok(());
    }
    Err(blind(&format!("the site calls itself {theirs}"), "configure that address"))
}

async fn find_sentinel(reader: &MoodleReader, sentinel: &CanaryAccount) -> Result<WireUser, MoodleSourceError> {
    let words = match sentinel {
        CanaryAccount::Account(id) => vec![(UserField::Id, id.to_string())],
        CanaryAccount::Named(word) if word.contains('@') => {
            vec![(UserField::Email, word.to_lowercase()), (UserField::Username, word.to_lowercase())]
        }
        CanaryAccount::Named(word) => {
            vec![(UserField::IdNumber, word.clone()), (UserField::Username, word.to_lowercase())]
        }
    };
    for (field, word) in words {
        let found = reader.fetch_users(field, &[word]).await.map_err(failed("looking for a known account"))?;
        if let Some(user) = found.users.into_iter().find(|user| !user.looks_deleted()) {
            return Ok(user);
        }
    }
    let named = match sentinel {
        CanaryAccount::Named(_) => "the sentinel that the configuration names is not seen",
        CanaryAccount::Account(_) => "no known account is seen",
    };
    Err(blind(
        named,
        "moodle/user:viewdetails, then moodle/user:viewalldetails and moodle/site:viewuseridentity; or name another sentinel",
    ))
}

fn check_fields(user: &WireUser) -> Result<(), MoodleSourceError> {
    let viewed = [
        (user.username.is_some(), "user name", "moodle/user:viewalldetails"),
        (user.confirmed.is_some(), "confirmation", "moodle/user:viewalldetails"),
        (
            user.email.is_some(),
            "mail address",
            "moodle/site:viewuseridentity, with email among the site's showuseridentity",
        ),
        (user.suspended.is_some(), "suspended flag", "the setting hiddenuserfields must not list it"),
    ];
    match viewed.into_iter().find(|(seen, _, _)| !seen) {
        Some((_, what, mend)) => Err(blind(&format!("a known account is shown without its {what}"), mend)),
        None => Ok(()),
    }
}

async fn is_seen(
    reader: &MoodleReader,
    field: UserField,
    values: &[String],
    id: MoodleUserId,
) -> Result<bool, MoodleSourceError> {
    let found = reader.fetch_users(field, values).await.map_err(failed("looking for a known account"))?;
    Ok(found.users.iter().any(|user| user.id == id))
}

fn blind(what: &str, mend: &str) -> MoodleSourceError {
    MoodleSourceError::InsufficientPermissions { what: what.to_owned(), mend: mend.to_owned() }
}
