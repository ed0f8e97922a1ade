//! What a Moodle says: people, courses, enrolments, and whether the token sees enough to be believed.

pub mod completions;

mod cohorts;
mod courses;
mod enrolments;
mod people;
mod preflight;
mod sql;

pub use cohorts::{CohortQuery, CohortSourceError, collect_cohorts};
pub use courses::collect_courses;
pub use enrolments::{
    LISTED_FROM, LOOKS, collect_enrolments, collect_participations, complete_courses, read_administrators,
    read_enrolments, read_state_now,
};
pub use people::{collect_people, find_by_guid, find_by_id, find_by_mail, find_person, look_up};
pub use preflight::{
    AccountLookup, CanaryAccount, GuildPreflight, Preflight, RequiredRights, prove_rights, run_guild_preflight,
    run_people_preflight, run_preflight,
};
pub use sql::{CohortRoles, MoodleDatabase};

use crate::client::MoodleError;
use crate::client::wire::WireUser;
use rollbook_core::model::{Account, MoodleUserId};
use rollbook_remote::database::DatabaseError;

/// Why a Moodle could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MoodleSourceError {
    #[error("Moodle could not be read while {doing}")]
    Call { doing: &'static str, source: MoodleError },
    /// The database could not be read.
    #[error("Moodle's database could not be read")]
    Database(#[from] DatabaseError),
    /// The token sees too little: its answers would look like absence.
    #[error("the Moodle token sees too little: {what} ({mend})")]
    InsufficientPermissions {
        what: String,
        /// What to do about it.
        mend: String,
    },
    /// The token may not do what is wanted.
    #[error("the Moodle token may not {what} (missing: {mend})")]
    Barred {
        what: String,
        /// The capability that is missing.
        mend: String,
        source: MoodleError,
    },
}

/// Names what was being read when a call failed.
fn failed(doing: &'static str) -> impl FnOnce(MoodleError) -> MoodleSourceError {
    move |source| MoodleSourceError::Call { doing, source }
}

/// An account as seen; `None` for a deleted one, an error for one that lacks a field which full sight shows.
fn read_account(user: WireUser) -> Result<Option<Account>, MoodleSourceError> {
    if user.looks_deleted() {
        return Ok(None);
    }
    let id = user.id;
    let username = user.username.ok_or_else(|| blind(id, "user name", "moodle/user:viewalldetails"))?;
    let mail = user.email.ok_or_else(|| {
        blind(id, "mail address", "moodle/site:viewuseridentity, with email among the site's showuseridentity")
    })?;
    let suspended =
        user.suspended.ok_or_else(|| blind(id, "suspended flag", "the setting hiddenuserfields must not list it"))?;
    Ok(Some(Account {
        id,
        username,
        mail,
        guid: user.idnumber.unwrap_or_default(),
        first_name: user.firstname.unwrap_or_default(),
        last_name: user.lastname.unwrap_or_default(),
        suspended,
        // Not shown means that the token may not see it, which says nothing against the account.
        confirmed: user.confirmed.unwrap_or(true),
        auth: user.auth.unwrap_or_default(),
    }))
}

fn blind(id: MoodleUserId, what: &str, mend: &str) -> MoodleSourceError {
    MoodleSourceError::InsufficientPermissions {
        what: format!("account {id} is shown without its {what}"),
        mend: mend.to_owned(),
    }
}
