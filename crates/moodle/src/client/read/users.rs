//! Accounts by a field.
//!
//! It must never treat a missing answer as "no such account": see the parent module. Next: `courses.rs`.

use super::super::batch::read_halving;
use super::super::error::MoodleError;
use super::super::form::Form;
use super::super::function::Function;
use super::super::wire::WireUser;
use super::{MoodleReader, is_poison};
use futures_util::future::try_join_all;
use std::fmt;

/// By what accounts can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserField {
    /// Also finds deleted accounts: see [`WireUser::looks_deleted`].
    Id,
    /// The GUID. Not unique; compared by the database's collation, on MySQL without regard to case, accents and
    /// trailing spaces: compare again.
    IdNumber,
    /// Must be lower case and clean, or the value comes back as poisoned.
    Username,
    /// Not unique on every site; compared as `IdNumber`. Needs `moodle/site:viewuseridentity`.
    Email,
}

impl UserField {
    const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::IdNumber => "idnumber",
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// What a lookup of accounts found.
#[derive(Clone, Default, PartialEq)]
pub struct UsersFound {
    /// The accounts, by id, each once: not in the order of the values, and values nobody has are simply missing.
    pub users: Vec<WireUser>,
    /// Values that Moodle cannot answer for (an unclean value, or a stored account outside today's rules), each with
    /// its refusal. Nothing is known about them.
    pub poisoned: Vec<(String, MoodleError)>,
}

impl fmt::Debug for UsersFound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UsersFound({:?}, {} poisoned)", self.users, self.poisoned.len())
    }
}

impl MoodleReader {
    /// Finds the accounts whose `field` is one of `values`; several calls at a time, none for no values. One form
    /// variable a value. About 2 ms an account found, 0.1 ms one not found. Blank values are left out: Moodle finds
    /// nobody by them.
    ///
    /// # Errors
    /// [`MoodleError`], for the whole lookup.
    pub async fn fetch_users(&self, field: UserField, values: &[String]) -> Result<UsersFound, MoodleError> {
        let values: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.trim().is_empty()).collect();
        let chunk_len = self.client.chunk_len(Function::UsersByField, values.len());
        let parts = values
            .chunks(chunk_len)
            .map(|chunk| read_halving(chunk, is_poison, move |part| self.fetch_users_once(field, part)));
        let mut found = UsersFound::default();
        for (users, poisoned) in try_join_all(parts).await? {
            found.users.extend(users);
            found.poisoned.extend(poisoned.into_iter().map(|(value, error)| ((*value).to_owned(), error)));
        }
        found.users.sort_by_key(|user| user.id);
        found.users.dedup_by_key(|user| user.id);
        Ok(found)
    }

    async fn fetch_users_once(&self, field: UserField, values: &[&str]) -> Result<Vec<WireUser>, MoodleError> {
        let mut form = Form::new();
        form.add("field", field.name());
        for (index, value) in values.iter().enumerate() {
            form.add_value("values", index, value);
        }
        self.client.read(Function::UsersByField, values.len(), &form).await
    }
}
