//! Accounts: make, change, delete.
//!
//! It must never send an optional field empty, and never a field that nobody asked to change.

use super::super::call::{Form, flag};
use super::super::error::MoodleError;
use super::super::function::Function;
use super::super::wire::{WireCreated, WireWarnings};
use super::MoodleWriter;
use rollbook_core::model::{Guid, MoodleUserId};
use rollbook_remote::words::Words;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// An account to be made: 6 to 13 form variables.
#[derive(Clone)]
pub struct NewUser {
    /// Lower case, at most 100 characters of `-._@a-z0-9` unless the site allows more.
    pub username: String,
    /// At most 100 characters, no `<tags>`, not blank.
    pub firstname: String,
    /// As `firstname`.
    pub lastname: String,
    /// At most 100 characters; refused when another account has it, in any case of letters.
    pub email: String,
    /// At most 255 characters. Moodle accepts one that exists already: look first.
    pub idnumber: Guid,
    /// `oauth2` needs no password; `manual` needs one, or `create_password`.
    pub auth: String,
    /// For `manual` accounts of the live suite.
    pub password: Option<SecretString>,
    /// Moodle makes a password and mails it.
    pub create_password: bool,
    /// An installed language, such as `en`; the site's when absent.
    pub lang: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub institution: Option<String>,
    pub department: Option<String>,
}

impl NewUser {
    /// An account with sign-in by `oauth2` and nothing optional.
    pub fn new(username: &str, firstname: &str, lastname: &str, email: &str, idnumber: Guid) -> Self {
        Self {
            username: username.to_owned(),
            firstname: firstname.to_owned(),
            lastname: lastname.to_owned(),
            email: email.to_owned(),
            idnumber,
            auth: "oauth2".to_owned(),
            password: None,
            create_password: false,
            lang: None,
            city: None,
            country: None,
            institution: None,
            department: None,
        }
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NewUser(auth {})", self.auth)
    }
}

/// A change of an account: only what is `Some` is sent, 2 to 8 form variables. One with nothing to change is sent all
/// the same and does nothing.
#[derive(Clone)]
pub struct UserUpdate {
    pub id: MoodleUserId,
    /// `true` also ends the person's sessions.
    pub suspended: Option<bool>,
    pub username: Option<String>,
    pub firstname: Option<String>,
    pub lastname: Option<String>,
    pub email: Option<String>,
    /// A new GUID. Moodle accepts one that exists already.
    pub idnumber: Option<Guid>,
    /// A new way to sign in.
    pub auth: Option<String>,
}

impl UserUpdate {
    /// A change of nothing yet.
    pub fn new(id: MoodleUserId) -> Self {
        Self {
            id,
            suspended: None,
            username: None,
            firstname: None,
            lastname: None,
            email: None,
            idnumber: None,
            auth: None,
        }
    }
}

impl fmt::Debug for UserUpdate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UserUpdate({})", self.id)
    }
}

/// What became of one [`UserUpdate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserUpdateOutcome {
    /// Changed, or already so.
    Done,
    /// Not changed, while others of the call were: `invaliduserid`, `usernotupdateddeleted`, `useremailduplicate`,
    /// `useremailinvalid`, `usernotupdatedadmin`, `usernotupdatedguest`, `usernotupdatedremote`, `dmlwriteexception`…
    Warned {
        /// Moodle's `warningcode`.
        code: String,
        words: Words,
    },
}

impl MoodleWriter {
    /// Makes accounts, all or none; gives their ids in the order asked. About 5 ms each. A repeat is refused
    /// (`invalidparameter`: the user name exists).
    ///
    /// # Errors
    /// [`MoodleError`]; which item was refused Moodle does not say.
    pub async fn create_users(&self, users: &[NewUser]) -> Result<Vec<(MoodleUserId, String)>, MoodleError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, user) in users.iter().enumerate() {
            fill_new_user(&mut form, index, user);
        }
        let made: Vec<WireCreated> = self.client.write(Function::CreateUsers, users.len(), &form).await?;
        if made.len() != users.len() {
            let excerpt = format!("{} new accounts for {} asked", made.len(), users.len());
            return Err(MoodleError::Malformed { excerpt });
        }
        Ok(made.into_iter().map(|user| (MoodleUserId(user.id), user.username)).collect())
    }

    /// Changes accounts, each by itself (Moodle 4.0 and later; before, all or none); about 3 ms each. A repeat does
    /// nothing.
    ///
    /// # Errors
    /// [`MoodleError`]; a refusal (a value of the wrong form) concerns the whole call.
    pub async fn update_users(&self, updates: &[UserUpdate]) -> Result<Vec<UserUpdateOutcome>, MoodleError> {
        if updates.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, update) in updates.iter().enumerate() {
            fill_user_update(&mut form, index, update);
        }
        let answer: Option<WireWarnings> = self.client.write(Function::UpdateUsers, updates.len(), &form).await?;
        let warnings = answer.unwrap_or_default().warnings;
        Ok(updates
            .iter()
            .map(|update| match warnings.iter().find(|warning| warning.itemid == Some(update.id.0)) {
                Some(warning) => {
                    UserUpdateOutcome::Warned { code: warning.warningcode.clone(), words: Words::new(&warning.message) }
                }
                None => UserUpdateOutcome::Done,
            })
            .collect())
    }

    /// Deletes accounts for good, all or none. For the live suite only: Rollbook suspends.
    ///
    /// # Errors
    /// [`MoodleError`]; `invaliduser` for one that is gone already.
    pub async fn delete_users(&self, users: &[MoodleUserId]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::DeleteUsers, users, |form, index, user| {
            form.add_value("userids", index, user);
        })
        .await
    }
}

fn fill_new_user(form: &mut Form, index: usize, user: &NewUser) {
    let NewUser { username, firstname, lastname, email, idnumber, auth, .. } = user;
    let NewUser { password, create_password, lang, city, country, institution, department, .. } = user;
    form.add_field("users", index, "username", username)
        .add_field("users", index, "auth", auth)
        .add_field("users", index, "idnumber", idnumber)
        .add_field("users", index, "email", email)
        .add_field("users", index, "firstname", firstname)
        .add_field("users", index, "lastname", lastname);
    form.add_optional("users", index, "createpassword", create_password.then_some("1"));
    form.add_optional("users", index, "password", password.as_ref().map(ExposeSecret::expose_secret));
    form.add_optional("users", index, "lang", lang.as_ref());
    form.add_optional("users", index, "city", city.as_ref());
    form.add_optional("users", index, "country", country.as_ref());
    form.add_optional("users", index, "institution", institution.as_ref());
    form.add_optional("users", index, "department", department.as_ref());
}

fn fill_user_update(form: &mut Form, index: usize, update: &UserUpdate) {
    let UserUpdate { id, suspended, username, firstname, lastname, email, idnumber, auth } = update;
    // First, so that a change cut short by PHP cannot forget it.
    form.add_optional("users", index, "suspended", suspended.map(flag));
    form.add_field("users", index, "id", id);
    form.add_optional("users", index, "username", username.as_ref());
    form.add_optional("users", index, "firstname", firstname.as_ref());
    form.add_optional("users", index, "lastname", lastname.as_ref());
    form.add_optional("users", index, "email", email.as_ref());
    form.add_optional("users", index, "idnumber", idnumber.as_ref());
    form.add_optional("users", index, "auth", auth.as_ref());
}
