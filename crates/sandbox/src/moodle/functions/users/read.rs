//! `core_user_get_users_by_field` and `core_user_get_users`, and what of an account the caller may see: the rest is
//! absent, without a word.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::{Exception, valid_username};
use crate::moodle::{GUEST_ID, MailDisplay, Release, User, fold};

/// How much of other people's accounts the caller sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccountView {
    details: bool,
    all_details: bool,
    identity: bool,
    names: bool,
    suspension: bool,
    own_id: i64,
}

impl AccountView {
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
    pub(crate) fn show(&self, call: &Call<'_>, user: &User) -> Result<Value, Exception> {
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

    fn show_account(&self, call: &Call<'_>, user: &User, shown: &mut Map<String, Value>) -> Result<(), Exception> {
        let extended = call.moodle.site.extended_username_chars;
        // A name stored under an older rule spoils the whole answer.
        if !valid_username(&user.username, extended) {
            return Err(Exception::response("username => Invalid external api response: the value is not clean"));
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

#[derive(Deserialize)]
struct ByField {
    field: String,
    values: Vec<String>,
}

/// By one field and any number of values: by ascending id, each account once, unknown values simply missing.
pub(super) fn by_field(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let ByField { field, mut values } = args(value)?;
    if call.moodle.site.release >= Release::V5_2 {
        values.retain(|value| value != "0");
    }
    let found = match field.as_str() {
        "id" => by_id(call, &values)?,
        "idnumber" => {
            let filled = values.iter().filter(|value| !value.is_empty());
            alive(filled.flat_map(|value| call.moodle.users_by_idnumber(value)))
        }
        "username" => {
            let extended = call.moodle.site.extended_username_chars;
            if let Some(bad) = values.iter().find(|name| !valid_username(name, extended)) {
                return Err(Exception::parameter(format!("username: {bad}")));
            }
            let users = values.iter();
            alive(users.flat_map(|value| call.moodle.users_by_username(value)))
        }
        "email" => {
            if values.iter().any(|address| address.trim() != address) {
                return Err(Exception::parameter("email: surrounding space"));
            }
            let users = values.iter();
            alive(users.flat_map(|value| call.moodle.users_by_email(value)))
        }
        other => {
            return Err(Exception::coding(format!("The search field '{other}' is invalid")));
        }
    };
    let view = AccountView::of(call);
    let searched = |user: &User| match field.as_str() {
        "id" => view.anything(user),
        "email" => view.email(user),
        _ => view.account(user),
    };
    let users = found.iter().filter_map(|id| call.moodle.users.get(*id));
    let shown: Result<Vec<Value>, Exception> =
        users.filter(|user| searched(user)).map(|user| view.show(call, user)).collect();
    Ok(Value::Array(shown?))
}

/// Deleted accounts are found by id only.
fn by_id(call: &Call<'_>, values: &[String]) -> Result<BTreeSet<i64>, Exception> {
    let mut found = BTreeSet::new();
    for value in values {
        // PHP takes `2013.0` for an integer here.
        let digits = value.strip_suffix(".0").unwrap_or(value);
        let id: i64 = digits.parse().map_err(|_| Exception::parameter(format!("id: {value}")))?;
        if call.moodle.users.get(id).is_some() {
            found.insert(id);
        }
    }
    Ok(found)
}

fn alive<'a>(users: impl Iterator<Item = &'a User>) -> BTreeSet<i64> {
    users.filter(|user| !user.deleted).map(|user| user.id).collect()
}

#[derive(Deserialize)]
struct ByCriteria {
    criteria: Vec<Criterion>,
}

#[derive(Deserialize)]
struct Criterion {
    key: String,
    value: String,
}

/// By criteria that all must hold; slow on a real site, and it has no pages.
pub(super) fn by_criteria(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let ByCriteria { criteria } = args(value)?;
    let mut seen = HashSet::new();
    let mut warnings = Vec::new();
    let mut tests = Vec::new();
    for criterion in &criteria {
        if !seen.insert(criterion.key.as_str()) {
            let message = format!("The key '{}' was sent twice", criterion.key);
            return Err(Exception::moodle("keyalreadyset", message));
        }
        match field_of(&criterion.key) {
            Some(field) => tests.push((field, criterion)),
            None => warnings.push(json!({
                "item": criterion.key, "warningcode": "invalidfieldparameter",
                "message": format!("The search key '{}' is not supported", criterion.key),
            })),
        }
    }
    let view = AccountView::of(call);
    let users = call.moodle.users.iter();
    let found = users
        .filter(|user| !user.deleted && user.id != GUEST_ID)
        .filter(|user| tests.iter().all(|(field, test)| holds(user, *field, test)))
        .filter(|user| view.anything(user) && tests.iter().all(|(_, test)| visible(&view, user, test)));
    let shown: Result<Vec<Value>, Exception> = found.map(|user| view.show(call, user)).collect();
    Ok(json!({"users": shown?, "warnings": warnings}))
}

type Field = fn(&User) -> String;

fn field_of(key: &str) -> Option<Field> {
    Some(match key {
        "id" => |user| user.id.to_string(),
        "idnumber" => |user| user.idnumber.clone(),
        "username" => |user| user.username.clone(),
        "email" => |user| user.email.clone(),
        "auth" => |user| user.auth.clone(),
        "firstname" => |user| user.firstname.clone(),
        "lastname" => |user| user.lastname.clone(),
        _ => return None,
    })
}

fn holds(user: &User, field: Field, test: &Criterion) -> bool {
    let stored = fold(&field(user));
    match test.key.as_str() {
        "email" | "firstname" | "lastname" => like(&stored, &fold(&test.value)),
        _ => stored == fold(&test.value),
    }
}

fn visible(view: &AccountView, user: &User, test: &Criterion) -> bool {
    match test.key.as_str() {
        "id" | "firstname" | "lastname" => true,
        "email" => view.email(user),
        _ => view.account(user),
    }
}

/// SQL's `LIKE` with `%` only.
fn like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('%') {
        None => text == pattern,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            let starts = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            starts.into_iter().any(|at| like(&tail[at..], rest))
        }),
    }
}
