//! Accounts, as far as Moodle shows them.
//!
//! It must never show a person in `Debug`. Next: `courses.rs`.

use super::flag;
use rollbook_core::model::{MoodleUserId, RoleId};
use serde::Deserialize;
use std::fmt;

/// An account, as `core_user_get_users_by_field` and `core_enrol_get_enrolled_users` give it.
#[derive(Clone, PartialEq, Deserialize)]
pub struct WireUser {
    /// Its id.
    pub id: MoodleUserId,
    /// Absent without `moodle/user:viewalldetails`.
    #[serde(default)]
    pub username: Option<String>,
    /// Absent on 4.4 without `moodle/site:viewfullnames`.
    #[serde(default)]
    pub firstname: Option<String>,
    /// As `firstname`.
    #[serde(default)]
    pub lastname: Option<String>,
    /// In the site's order.
    #[serde(default)]
    pub fullname: Option<String>,
    /// Absent without `moodle/site:viewuseridentity`; of a deleted account a digest without `@`.
    #[serde(default)]
    pub email: Option<String>,
    /// Where the GUID stands. Moodle leaves an empty one out. Not unique.
    #[serde(default)]
    pub idnumber: Option<String>,
    /// How the account signs in: `oauth2`, `manual`, `nologin`…
    #[serde(default)]
    pub auth: Option<String>,
    /// Absent when the site hides it, and always of enrolled users.
    #[serde(default, deserialize_with = "flag")]
    pub suspended: Option<bool>,
    /// Absent without `moodle/user:viewalldetails`.
    #[serde(default, deserialize_with = "flag")]
    pub confirmed: Option<bool>,
    /// Roles in the course asked about; only of enrolled users.
    #[serde(default)]
    pub roles: Option<Vec<WireRole>>,
}

impl WireUser {
    /// Whether this is a deleted account, which Moodle returns by id like a live one: its address, if shown, has no
    /// `@`. With the address hidden this cannot be told, and the answer is no.
    pub fn looks_deleted(&self) -> bool {
        self.email.as_deref().is_some_and(|email| !email.is_empty() && !email.contains('@'))
    }
}

impl fmt::Debug for WireUser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WireUser({})", self.id)
    }
}

/// A role of an enrolled user, in the course's own context.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireRole {
    /// Its id on this site.
    pub roleid: RoleId,
    /// Its name on every site.
    #[serde(default)]
    pub shortname: String,
}
