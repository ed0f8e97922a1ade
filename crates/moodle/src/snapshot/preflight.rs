//! Proof that the token sees what is there. A token with too few rights is answered `[]`, which looks like "does not
//! exist"; acting on that would make everybody twice. So before the first write of a run a known account must be seen,
//! by every field that people are looked up by, and with every field that is needed.

use crate::client::read::UserField;
use crate::client::wire::{WireSiteInfo, WireUser};
use crate::client::{Function, MoodleError, MoodleReader};
use crate::snapshot::{MoodleSourceError, failed};
use rollbook_core::model::{MoodleCourseId, MoodleUserId, RoleId};
use std::collections::BTreeSet;

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

    pub fn service_name(&self) -> &str {
        &self.service_name
    }

    /// Moodle's version, as the digits before its dot.
    pub fn version(&self) -> u64 {
        self.version
    }
}

const INTAKE_NEEDS: [Function; 6] = [
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
    let seen = find_canary(reader, sentinel).await?;
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
            return Err(insufficient(&format!("a known account is not found by its {field}"), capability));
        }
    }
    let version = info.version_number();
    Ok(Preflight { service_account: info.userid, service_name: info.username, version })
}

fn check_functions(info: &WireSiteInfo) -> Result<(), MoodleSourceError> {
    let missing: Vec<&str> =
        INTAKE_NEEDS.iter().filter(|function| !info.offers(**function)).map(|function| function.name()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(insufficient(
        &format!("its service lacks {}", missing.join(", ")),
        "add the functions to the external service of the token",
    ))
}

fn check_address(reader: &MoodleReader, info: &WireSiteInfo) -> Result<(), MoodleSourceError> {
    let (ours, theirs) = (reader.client().site_url(), info.siteurl.trim_end_matches('/'));
    if ours == theirs {
        return Ok(());
    }
    Err(insufficient(&format!("the site calls itself {theirs}"), "configure that address"))
}

async fn find_canary(reader: &MoodleReader, sentinel: &CanaryAccount) -> Result<WireUser, MoodleSourceError> {
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
    Err(insufficient(
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
        Some((_, what, mend)) => Err(insufficient(&format!("a known account is shown without its {what}"), mend)),
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

fn insufficient(what: &str, mend: &str) -> MoodleSourceError {
    MoodleSourceError::InsufficientPermissions { what: what.to_owned(), mend: mend.to_owned() }
}

// Proof that the token may do what a plan wants, by questions that Moodle refuses whatever the rights are: it checks rights
// first. Found out at the first write instead, it would be a refusal for every single record.
//
// It must never stop a run for one odd course: only what is refused everywhere is a missing right.

/// So many courses are tried before a right counts as missing.
const COURSES_TRIED_MAX: usize = 3;

/// What a plan wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredRights {
    pub accounts: bool,
    /// Enrol or suspend people: where, and as what.
    pub courses: Vec<(MoodleCourseId, RoleId)>,
    /// The configured role. That a course's own default role may not be given is a matter of that course's records.
    pub role: Option<RoleId>,
}

/// Proves the rights; one or two calls where all is well. An answer that does not come proves nothing, and is left to the
/// writes themselves.
///
/// # Errors
/// [`MoodleSourceError::Barred`] names the capability that is missing.
pub async fn prove_rights(
    reader: &MoodleReader,
    own_name: &str,
    wanted: &RequiredRights,
) -> Result<(), MoodleSourceError> {
    if wanted.accounts
        && !own_name.is_empty()
        && let Some(error) = reader.probe_create_user(own_name).await
        && error.code() == Some("nopermissions")
    {
        return Err(barred("make accounts", "moodle/user:create", error));
    }
    let mut refused = None;
    for (course, role) in wanted.courses.iter().take(COURSES_TRIED_MAX) {
        let answer = reader.probe_enrol(*course, *role).await;
        let Some((error, mend)) = answer.and_then(|error| mend(&error).map(|mend| (error, mend))) else {
            return Ok(());
        };
        if error.code() == Some(CANNOT_ASSIGN) && wanted.role.is_some_and(|configured| configured != *role) {
            return Ok(());
        }
        refused = Some(barred(&format!("enrol people in course {course} as role {role}"), mend, error));
    }
    refused.map_or(Ok(()), Err)
}

/// Moodle's code for a role that the account may not give.
const CANNOT_ASSIGN: &str = "wsusercannotassign";

fn mend(error: &MoodleError) -> Option<&'static str> {
    match error.code()? {
        "nopermissions" => Some("enrol/manual:enrol"),
        CANNOT_ASSIGN => Some("moodle/role:assign, and the permission to assign that role"),
        "requireloginerror" | "errorcoursecontextnotvalid" => {
            Some("moodle/course:view and moodle/course:viewhiddencourses")
        }
        _ => None,
    }
}

fn barred(what: &str, mend: &str, source: MoodleError) -> MoodleSourceError {
    MoodleSourceError::Barred { what: what.to_owned(), mend: mend.to_owned(), source }
}

// Proof that the token sees the accounts that guilds' members have. A token with too few rights is answered `[]`, and then
// every member would seem to have no account.

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

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first of these functions that the token's service lacks.
    pub fn lacks(&self, functions: &[Function]) -> Option<Function> {
        functions.iter().copied().find(|function| !self.offered.contains(function))
    }
}

/// What every run of guilds calls.
const GUILDS_NEED: [Function; 6] = [
    Function::UsersByField,
    Function::Cohorts,
    Function::CohortMembers,
    Function::CreateCohorts,
    Function::AddMembers,
    Function::DeleteMembers,
];

/// Whether accounts are looked up over web services, so that the token's sight must be proven for that too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountLookup {
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
    looks_up: AccountLookup,
) -> Result<GuildPreflight, MoodleSourceError> {
    let info = async { reader.fetch_site_info().await.map_err(failed("asking who the token is")) };
    let info = match looks_up {
        AccountLookup::ByTables => info.await?,
        AccountLookup::ByServices => {
            let (info, seen) = tokio::join!(info, run_people_preflight(reader, sentinel));
            // Where both fail, it is always the same error that is told.
            let info = info?;
            seen?;
            info
        }
    };
    let (ours, theirs) = (reader.client().site_url(), info.siteurl.trim_end_matches('/'));
    if ours != theirs {
        return Err(insufficient(&format!("the site calls itself {theirs}"), "configure that address"));
    }
    let preflight = to_preflight(info);
    match preflight.lacks(&GUILDS_NEED) {
        None => Ok(preflight),
        Some(function) => Err(insufficient(
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
    let seen = find_member_canary(reader, sentinel).await?;
    check_sentinel(reader, &seen).await
}

fn to_preflight(info: WireSiteInfo) -> GuildPreflight {
    let offered = Function::ALL.iter().copied().filter(|function| info.offers(*function)).collect();
    GuildPreflight { service_account: info.userid, release: info.release, name: info.sitename, offered }
}

async fn find_member_canary(reader: &MoodleReader, sentinel: &CanaryAccount) -> Result<WireUser, MoodleSourceError> {
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
    Err(insufficient(
        "no known account is seen",
        "moodle/user:viewdetails, then moodle/user:viewalldetails and moodle/site:viewuseridentity; or name another sentinel",
    ))
}

/// The known account must be shown with, and found by, what members are matched by.
async fn check_sentinel(reader: &MoodleReader, seen: &WireUser) -> Result<(), MoodleSourceError> {
    const DETAILS: &str = "moodle/user:viewalldetails";
    const IDENTITY: &str = "moodle/site:viewuseridentity, with email among the site's showuseridentity";
    let username =
        seen.username.clone().ok_or_else(|| insufficient("a known account is shown without its user name", DETAILS))?;
    let mail = seen
        .email
        .clone()
        .ok_or_else(|| insufficient("a known account is shown without its mail address", IDENTITY))?;
    if seen.suspended.is_none() {
        let mend = "the setting hiddenuserfields must not list it";
        return Err(insufficient("a known account is shown without its suspended flag", mend));
    }
    let (usernames, mails) = ([username], [mail]);
    let found = tokio::try_join!(
        reader.fetch_users(UserField::Username, &usernames),
        reader.fetch_users(UserField::Email, &mails)
    );
    let (by_username, by_mail) = found.map_err(failed("looking for a known account"))?;
    for (found, field, mend) in [(by_username, "user name", DETAILS), (by_mail, "mail address", IDENTITY)] {
        if !found.users.iter().any(|user| user.id == seen.id) {
            return Err(insufficient(&format!("a known account is not found by its {field}"), mend));
        }
    }
    Ok(())
}
