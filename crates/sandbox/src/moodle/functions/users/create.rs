//! `core_user_create_users`: ordered checks, all or nothing, and never a word about which element failed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::Refusal;
use crate::moodle::{MailDisplay, User};

#[derive(Deserialize)]
struct Args {
    users: Vec<NewUser>,
}

#[derive(Deserialize)]
struct NewUser {
    username: String,
    firstname: String,
    lastname: String,
    email: String,
    createpassword: Option<bool>,
    password: Option<String>,
    auth: String,
    idnumber: String,
    lang: Option<String>,
    theme: Option<String>,
    maildisplay: Option<i64>,
    city: Option<String>,
    country: Option<String>,
    institution: Option<String>,
    department: Option<String>,
}

/// Authentication plugins that need no password of their own.
const EXTERNAL_AUTH: [&str; 5] = ["oauth2", "ldap", "shibboleth", "cas", "db"];
/// Plugins that want a password.
const INTERNAL_AUTH: [&str; 4] = ["manual", "email", "nologin", "none"];

pub(crate) fn create(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Args { users } = args(value)?;
    call.require("moodle/user:create")?;
    let mut created = Vec::with_capacity(users.len());
    for user in users {
        let username = user.username.clone();
        let id = create_one(call, user)?;
        created.push(json!({"id": id, "username": username}));
    }
    Ok(Value::Array(created))
}

fn create_one(call: &mut Call<'_>, new: NewUser) -> Result<i64, Refusal> {
    for (field, text) in [("username", &new.username), ("firstname", &new.firstname), ("lastname", &new.lastname)] {
        if text.trim().is_empty() {
            return Err(Refusal::parameter(format!("The field {field} cannot be blank")));
        }
    }
    check_name_free(call, &new.username)?;
    check_plugins(&new)?;
    check_password(&new)?;
    if !valid_email(&new.email) {
        return Err(Refusal::parameter(format!("Email address is invalid: {}", new.email)));
    }
    if !call.moodle.site.same_email_allowed && email_taken(call, &new.email, None) {
        return Err(Refusal::parameter(format!("Email address already exists: {}", new.email)));
    }
    check_lengths(&new.username, &new.firstname, &new.lastname, &new.email, &new.idnumber)?;
    Ok(call.moodle.users.insert(row(new, call.now)))
}

/// Names taken by calls that ran at the same time are met by the unique key only.
fn check_name_free(call: &Call<'_>, username: &str) -> Result<(), Refusal> {
    let holders = call.moodle.users_by_username(username);
    let holder = holders.iter().find(|user| !user.deleted);
    match holder {
        None => Ok(()),
        Some(user) if call.saw(|seen| seen.users, user.id) => {
            Err(Refusal::parameter(format!("Username already exists: {username}")))
        }
        Some(_) => Err(Refusal::write("Duplicate entry for key 'mdl_user_mneuse_uix'")),
    }
}

pub(super) fn email_taken(call: &Call<'_>, email: &str, own: Option<i64>) -> bool {
    // Case-insensitive on every database, unlike the look-up.
    let holders = call.moodle.users.index().email.ids(crate::moodle::tables::collation::fold(email));
    let users = holders.filter_map(|id| call.moodle.users.get(id));
    users.into_iter().any(|user| !user.deleted && Some(user.id) != own && call.saw(|seen| seen.users, user.id))
}

fn check_plugins(new: &NewUser) -> Result<(), Refusal> {
    let auth = new.auth.as_str();
    if !EXTERNAL_AUTH.contains(&auth) && !INTERNAL_AUTH.contains(&auth) {
        return Err(Refusal::parameter(format!("Invalid authentication type: {auth}")));
    }
    if let Some(lang) = &new.lang
        && lang != "en"
    {
        return Err(Refusal::parameter(format!("Invalid language code: {lang}")));
    }
    if let Some(theme) = &new.theme
        && !["", "boost", "classic"].contains(&theme.as_str())
    {
        return Err(Refusal::parameter(format!("Invalid theme: {theme}")));
    }
    Ok(())
}

fn check_password(new: &NewUser) -> Result<(), Refusal> {
    if !INTERNAL_AUTH.contains(&new.auth.as_str()) || new.createpassword == Some(true) {
        return Ok(());
    }
    let Some(password) = new.password.as_deref().filter(|text| !text.is_empty()) else {
        return Err(Refusal::parameter("Invalid password: you must provide a password"));
    };
    check_policy(password)
}

/// Moodle's default policy; its error code is a piece of HTML.
pub(super) fn check_policy(password: &str) -> Result<(), Refusal> {
    let has = |test: fn(&char) -> bool| password.chars().any(|letter| test(&letter));
    let complaint = if password.chars().count() < 8 {
        "Passwords must be at least 8 characters long."
    } else if !has(char::is_ascii_digit) {
        "Passwords must have at least 1 digit(s)."
    } else if !has(char::is_ascii_lowercase) {
        "Passwords must have at least 1 lower case letter(s)."
    } else if !has(char::is_ascii_uppercase) {
        "Passwords must have at least 1 upper case letter(s)."
    } else if !has(|letter| !letter.is_alphanumeric()) {
        "The password must have at least 1 special character(s)."
    } else {
        return Ok(());
    };
    let html = format!("<div>{complaint}</div>");
    Err(Refusal::moodle(&html, format!("error/{html}")))
}

/// An ASCII address with one `@` and a domain with a dot.
pub(super) fn valid_email(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let local_fits = local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte));
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(fits)
    };
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    !local.is_empty() && local_fits && dots && domain.contains('.') && domain.split('.').all(label)
}

/// Strict SQL mode: too long is an error, not a cut.
pub(super) fn check_lengths(
    username: &str,
    firstname: &str,
    lastname: &str,
    email: &str,
    idnumber: &str,
) -> Result<(), Refusal> {
    let columns = [
        ("username", username, 100),
        ("firstname", firstname, 100),
        ("lastname", lastname, 100),
        ("email", email, 100),
        ("idnumber", idnumber, 255),
    ];
    for (column, text, length_max) in columns {
        if text.chars().count() > length_max {
            return Err(Refusal::write(format!("Data too long for column '{column}'")));
        }
    }
    Ok(())
}

fn row(new: NewUser, now: i64) -> User {
    let internal = INTERNAL_AUTH.contains(&new.auth.as_str());
    let mut user = User::new(&new.idnumber, &new.email, &new.firstname, &new.lastname);
    user.username = new.username;
    user.auth = new.auth;
    user.has_password = internal;
    user.must_change_password = new.createpassword == Some(true);
    user.maildisplay = mail_display(new.maildisplay.unwrap_or(2));
    user.city = new.city.unwrap_or_default();
    user.country = new.country.unwrap_or_default();
    user.institution = new.institution.unwrap_or_default();
    user.department = new.department.unwrap_or_default();
    user.timecreated = now;
    user.timemodified = now;
    user
}

pub(super) fn mail_display(number: i64) -> MailDisplay {
    match number {
        0 => MailDisplay::Hidden,
        1 => MailDisplay::Everyone,
        _ => MailDisplay::CourseMembers,
    }
}
