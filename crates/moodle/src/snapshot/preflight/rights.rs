//! Proof that the token may do what a plan wants, by questions that Moodle refuses whatever the rights are: it checks rights
//! first. Found out at the first write instead, it would be a refusal for every single record.
//!
//! It must never stop a run for one odd course: only what is refused everywhere is a missing right.

use super::super::MoodleSourceError;
use crate::client::{MoodleError, MoodleReader};
use rollbook_core::model::{MoodleCourseId, RoleId};

/// So many courses are tried before a right counts as missing.
const COURSES_TRIED_MAX: usize = 3;

/// What a plan wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Make accounts.
    pub accounts: bool,
    /// Enrol or suspend people: where, and as what.
    pub courses: Vec<(MoodleCourseId, RoleId)>,
}

/// Proves the rights; one or two calls where all is well. An answer that does not come proves nothing, and is left to the
/// writes themselves.
///
/// # Errors
/// [`MoodleSourceError::Barred`] names the capability that is missing.
pub async fn prove_rights(reader: &MoodleReader, own_name: &str, wanted: &Wanted) -> Result<(), MoodleSourceError> {
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
        refused = Some(barred(&format!("enrol people in course {course} as role {role}"), mend, error));
    }
    refused.map_or(Ok(()), Err)
}

fn mend(error: &MoodleError) -> Option<&'static str> {
    match error.code()? {
        "nopermissions" => Some("enrol/manual:enrol"),
        "wsusercannotassign" => Some("moodle/role:assign, and the permission to assign that role"),
        "requireloginerror" | "errorcoursecontextnotvalid" => {
            Some("moodle/course:view and moodle/course:viewhiddencourses")
        }
        _ => None,
    }
}

fn barred(what: &str, mend: &str, source: MoodleError) -> MoodleSourceError {
    MoodleSourceError::Barred { what: what.to_owned(), mend: mend.to_owned(), source }
}
