//! What of an account the caller may see. What they may not see is absent, without a word.

use serde_json::{Map, Value};

use super::super::Call;
use crate::moodle::wire::Refusal;
use crate::moodle::{MailDisplay, Release, User};

/// How much of other people's accounts the caller sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    details: bool,
    all_details: bool,
    identity: bool,
    names: bool,
    suspension: bool,
    own_id: i64,
}

impl Sight {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        let site = &call.moodle.site;
        let shown = site.show_user_identity.contains("email");
        let hidden = site.hidden_user_fields.contains("suspended");
        Self {
            details: call.may("moodle/user:viewdetails"),
            all_details: call.may("moodle/user:viewalldetails"),
            identity: shown && call.may("moodle/site:viewuseridentity"),
            names: site.release >= Release::V4_5 || call.may("moodle/site:viewfullnames"),
            suspension: !hidden || call.caller.site_admin,
            own_id: call.caller.token.user_id,
        }
    }

    pub(crate) fn anything(&self, user: &User) -> bool {
        self.details || user.id == self.own_id
    }

    pub(crate) fn account(&self, user: &User) -> bool {
        user.id == self.own_id || (self.details && self.all_details)
    }

    pub(crate) fn email(&self, user: &User) -> bool {
        let public = user.maildisplay == MailDisplay::Everyone;
        user.id == self.own_id || (self.details && (self.identity || public))
    }

    /// The account as the caller sees it.
    pub(crate) fn show(&self, call: &Call<'_>, user: &User) -> Result<Value, Refusal> {
        let mut shown = Map::new();
        shown.insert("id".into(), user.id.into());
        let fullname = format!("{} {}", user.firstname, user.lastname);
        shown.insert("fullname".into(), fullname.into());
        if self.suspension {
            shown.insert("suspended".into(), user.suspended.into());
        }
        if self.names || user.id == self.own_id {
            shown.insert("firstname".into(), user.firstname.clone().into());
            shown.insert("lastname".into(), user.lastname.clone().into());
        }
        if call.moodle.site.release >= Release::V5_2 {
            let first = |name: &str| name.chars().next().map(String::from).unwrap_or_default();
            let initials = format!("{}{}", first(&user.firstname), first(&user.lastname));
            shown.insert("initials".into(), initials.into());
        }
        if self.email(user) {
            shown.insert("email".into(), user.email.clone().into());
        }
        if self.account(user) {
            self.show_account(call, user, &mut shown)?;
        }
        Ok(Value::Object(shown))
    }

    fn show_account(&self, call: &Call<'_>, user: &User, shown: &mut Map<String, Value>) -> Result<(), Refusal> {
        let extended = call.moodle.site.extended_username_chars;
        // A name stored under an older rule spoils the whole answer.
        if !crate::moodle::wire::valid_username(&user.username, extended) {
            return Err(Refusal::response("username => Invalid external api response: the value is not clean"));
        }
        shown.insert("username".into(), user.username.clone().into());
        shown.insert("auth".into(), user.auth.clone().into());
        shown.insert("confirmed".into(), user.confirmed.into());
        shown.insert("lang".into(), "en".into());
        shown.insert("theme".into(), "".into());
        shown.insert("timezone".into(), "99".into());
        shown.insert("mailformat".into(), 1.into());
        let filled = [
            ("idnumber", &user.idnumber),
            ("city", &user.city),
            ("country", &user.country),
            ("department", &user.department),
            ("institution", &user.institution),
        ];
        for (name, text) in filled {
            if !text.is_empty() {
                shown.insert(name.to_owned(), text.clone().into());
            }
        }
        let picture = format!("{}/theme/image.php/u/f1", call.moodle.site.wwwroot);
        shown.insert("profileimageurlsmall".into(), picture.clone().into());
        shown.insert("profileimageurl".into(), picture.into());
        Ok(())
    }
}
