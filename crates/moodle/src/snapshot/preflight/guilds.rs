//! Proof that the token sees the accounts that guilds' members have. A token with too few rights is answered `[]`, and then
//! every member would seem to have no account.

use super::super::{MoodleSourceError, failed};
use super::CanaryAccount;
use crate::client::read::UserField;
use crate::client::wire::{WireSiteInfo, WireUser};
use crate::client::{Function, MoodleReader};
use rollbook_core::model::MoodleUserId;
use std::collections::BTreeSet;

/// The proof: without one nothing can be applied.
#[derive(Clone, Debug)]
pub struct GuildPreflight {
    service_account: MoodleUserId,
    release: String,
    name: String,
    offered: BTreeSet<Function>,
}

impl GuildPreflight {
    /// The account that the token belongs to; never touched.
    pub fn service_account(&self) -> MoodleUserId {
        self.service_account
    }

    /// Moodle's release, such as `4.5.6 (Build: …)`.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The site's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first of these functions that the token's service lacks.
    pub fn lacks(&self, functions: &[Function]) -> Option<Function> {
        functions.iter().copied().find(|function| !self.offered.contains(function))
    }
}

/// What every run of guilds calls.
const NEEDED: [Function; 6] = [
    Function::UsersByField,
    Function::Cohorts,
    Function::CohortMembers,
    Function::CreateCohorts,
    Function::AddMembers,
    Function::DeleteMembers,
];

/// Whether accounts are looked up over web services, so that the token's sight must be proven for that too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksUp {
    /// They are, by these fields.
    ByServices,
    /// They are read from the database.
    ByTables,
}

/// Proves the sight: two rounds of calls, one where the database is read.
///
/// # Errors
/// [`MoodleSourceError::InsufficientPermissions`] names the function or capability that is missing.
pub async fn run_guild_preflight(
    reader: &MoodleReader,
    sentinel: &CanaryAccount,
    looks_up: LooksUp,
) -> Result<GuildPreflight, MoodleSourceError> {
    let info = async { reader.fetch_site_info().await.map_err(failed("asking who the token is")) };
    let info = match looks_up {
        LooksUp::ByTables => info.await?,
        LooksUp::ByServices => {
            let (info, seen) = tokio::join!(info, run_people_preflight(reader, sentinel));
            // Where both fail, it is always the same error that is told.
            let info = info?;
            seen?;
            info
        }
    };
    let (ours, theirs) = (reader.client().site_url(), info.siteurl.trim_end_matches('/'));
    if ours != theirs {
        return Err(blind(&format!("the site calls itself {theirs}"), "configure that address"));
    }
    let preflight = to_preflight(info);
    match preflight.lacks(&NEEDED) {
        None => Ok(preflight),
        Some(function) => Err(blind(
            &format!("its service lacks {}", function.name()),
            "add the function to the external service of the token",
        )),
    }
}

/// Proves that accounts are shown with, and found by, what members are matched by, whatever else the token may do.
///
/// # Errors
/// [`MoodleSourceError::InsufficientPermissions`] names the capability that is missing.
pub async fn run_people_preflight(reader: &MoodleReader, sentinel: &CanaryAccount) -> Result<(), MoodleSourceError> {
    let seen = find_sentinel(reader, sentinel).await?;
    check_sentinel(reader, &seen).await
}

fn to_preflight(info: WireSiteInfo) -> GuildPreflight {
    let offered = Function::ALL.iter().copied().filter(|function| info.offers(*function)).collect();
    GuildPreflight { service_account: info.userid, release: info.release, name: info.sitename, offered }
}

async fn find_sentinel(reader: &MoodleReader, sentinel: &CanaryAccount) -> Result<WireUser, MoodleSourceError> {
    let words = match sentinel {
        CanaryAccount::Account(id) => vec![(UserField::Id, id.to_string())],
        CanaryAccount::Named(word) if word.contains('@') => vec![(UserField::Email, word.to_lowercase())],
        CanaryAccount::Named(word) => {
            vec![(UserField::Username, word.to_lowercase()), (UserField::IdNumber, word.clone())]
        }
    };
    for (field, word) in words {
        let found = reader.fetch_users(field, &[word]).await.map_err(failed("looking for a known account"))?;
        if let Some(user) = found.users.into_iter().find(|user| !user.looks_deleted()) {
            return Ok(user);
        }
    }
    Err(blind(
        "no known account is seen",
        "moodle/user:viewdetails, then moodle/user:viewalldetails and moodle/site:viewuseridentity; or name another sentinel",
    ))
}

/// The known account must be shown with, and found by, what members are matched by.
async fn check_sentinel(reader: &MoodleReader, seen: &WireUser) -> Result<(), MoodleSourceError> {
    const DETAILS: &str = "moodle/user:viewalldetails";
    const IDENTITY: &str = "moodle/site:viewuseridentity, with email among the site's showuseridentity";
    let username =
        seen.username.clone().ok_or_else(|| blind("a known account is shown without its user name", DETAILS))?;
    let mail =
        seen.email.clone().ok_or_else(|| blind("a known account is shown without its mail address", IDENTITY))?;
    if seen.suspended.is_none() {
        let mend = "the setting hiddenuserfields must not list it";
        return Err(blind("a known account is shown without its suspended flag", mend));
    }
    let (usernames, mails) = ([username], [mail]);
    let found = tokio::try_join!(
        reader.fetch_users(UserField::Username, &usernames),
        reader.fetch_users(UserField::Email, &mails)
    );
    let (by_username, by_mail) = found.map_err(failed("looking for a known account"))?;
    for (found, field, mend) in [(by_username, "user name", DETAILS), (by_mail, "mail address", IDENTITY)] {
        if !found.users.iter().any(|user| user.id == seen.id) {
            return Err(blind(&format!("a known account is not found by its {field}"), mend));
        }
    }
    Ok(())
}

fn blind(what: &str, mend: &str) -> MoodleSourceError {
    MoodleSourceError::InsufficientPermissions { what: what.to_owned(), mend: mend.to_owned() }
}
