//! Accounts, live and deleted, as Moodle stores them: nothing here keeps GUIDs or addresses unique.

use super::table::fold;
use super::{Pairs, Row};

/// Who may see the mail address without special rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDisplay {
    /// Nobody.
    Hidden,
    /// Everybody.
    Everyone,
    /// Members of a shared course; Moodle's default.
    CourseMembers,
}

/// A row of the user table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Row id.
    pub id: i64,
    /// Login name, lower case.
    pub username: String,
    /// Authentication plugin; `nologin` keeps the account from logging in.
    pub auth: String,
    /// Mail address; not necessarily unique.
    pub email: String,
    /// The GUID; `''` when none, not unique.
    pub idnumber: String,
    /// Given name.
    pub firstname: String,
    /// Family name.
    pub lastname: String,
    /// Switched off by an administrator.
    pub suspended: bool,
    /// Anonymised remains of a deleted account.
    pub deleted: bool,
    /// Mail address confirmed.
    pub confirmed: bool,
    /// The password must be changed before anything else works.
    pub must_change_password: bool,
    /// A password is stored.
    pub has_password: bool,
    /// The site policy was agreed to; counts only where [`Site::policy`](crate::moodle::Site) is on.
    pub policyagreed: bool,
    /// Who may see the address.
    pub maildisplay: MailDisplay,
    /// City, often empty.
    pub city: String,
    /// Two-letter country, often empty.
    pub country: String,
    /// Department, often empty.
    pub department: String,
    /// Institution, often empty.
    pub institution: String,
    /// Unix time in seconds.
    pub timecreated: i64,
    /// Unix time in seconds.
    pub timemodified: i64,
}

impl User {
    /// A confirmed OAuth2 account whose user name is the address in lower case, as the intake makes them.
    pub fn new(guid: &str, email: &str, firstname: &str, lastname: &str) -> Self {
        Self {
            id: 0,
            username: email.to_lowercase(),
            auth: "oauth2".to_owned(),
            email: email.to_owned(),
            idnumber: guid.to_owned(),
            firstname: firstname.to_owned(),
            lastname: lastname.to_owned(),
            suspended: false,
            deleted: false,
            confirmed: true,
            must_change_password: false,
            has_password: false,
            policyagreed: true,
            maildisplay: MailDisplay::CourseMembers,
            city: String::new(),
            country: String::new(),
            department: String::new(),
            institution: String::new(),
            timecreated: 0,
            timemodified: 0,
        }
    }
}

/// Indexes of the user table, by folded text.
#[derive(Clone, Debug, Default)]
pub struct UserIndex {
    pub(crate) username: Pairs<String>,
    pub(crate) email: Pairs<String>,
    pub(crate) idnumber: Pairs<String>,
}

impl Row for User {
    type Index = UserIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut UserIndex) {
        index.username.enter(fold(&self.username), self.id);
        index.email.enter(fold(&self.email), self.id);
        index.idnumber.enter(fold(&self.idnumber), self.id);
    }

    fn leave(&self, index: &mut UserIndex) {
        index.username.leave(fold(&self.username), self.id);
        index.email.leave(fold(&self.email), self.id);
        index.idnumber.leave(fold(&self.idnumber), self.id);
    }
}
