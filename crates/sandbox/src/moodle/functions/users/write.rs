//! `core_user_create_users`: ordered checks, all or nothing, and never a word about which element failed.
//! `core_user_update_users`: warnings per account. `core_user_delete_users`: all or nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::Exception;
use crate::moodle::{GUEST_ID, MailDisplay, User};

#[derive(Deserialize)]
struct CreateParams {
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

pub(super) fn create(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let CreateParams { users } = args(value)?;
    call.require("moodle/user:create")?;
    let mut created = Vec::with_capacity(users.len());
    for user in users {
        let username = user.username.clone();
        let id = create_one(call, user)?;
        created.push(json!({"id": id, "username": username}));
    }
    Ok(Value::Array(created))
}

fn create_one(call: &mut Call<'_>, new: NewUser) -> Result<i64, Exception> {
    for (field, text) in [("username", &new.username), ("firstname", &new.firstname), ("lastname", &new.lastname)] {
        if text.trim().is_empty() {
            return Err(Exception::parameter(format!("The field {field} cannot be blank")));
        }
    }
    check_name_free(call, &new.username)?;
    check_plugins(&new)?;
    check_password(&new)?;
    if !valid_email(&new.email) {
        return Err(Exception::parameter(format!("Email address is invalid: {}", new.email)));
    }
    if !call.moodle.site.same_email_allowed && email_taken(call, &new.email, None) {
        return Err(Exception::parameter(format!("Email address already exists: {}", new.email)));
    }
    check_lengths(&new.username, &new.firstname, &new.lastname, &new.email, &new.idnumber)?;
    Ok(call.moodle.users.insert(row(new, call.now)))
}

/// Names taken by calls that ran at the same time are met by the unique key only.
fn check_name_free(call: &Call<'_>, username: &str) -> Result<(), Exception> {
    let holders = call.moodle.users_by_username(username);
    let holder = holders.iter().find(|user| !user.deleted);
    match holder {
        None => Ok(()),
        Some(user) if call.sees_row(|limits| limits.users, user.id) => {
            Err(Exception::parameter(format!("Username already exists: {username}")))
        }
        Some(_) => Err(Exception::write("Duplicate entry for key 'mdl_user_mneuse_uix'")),
    }
}

fn email_taken(call: &Call<'_>, email: &str, own: Option<i64>) -> bool {
    // Case-insensitive on every database, unlike the look-up.
    let holders = call.moodle.users.index().email.ids(crate::moodle::fold(email));
    let users = holders.filter_map(|id| call.moodle.users.get(id));
    users.into_iter().any(|user| !user.deleted && Some(user.id) != own && call.sees_row(|limits| limits.users, user.id))
}

fn check_plugins(new: &NewUser) -> Result<(), Exception> {
    let auth = new.auth.as_str();
    if !EXTERNAL_AUTH.contains(&auth) && !INTERNAL_AUTH.contains(&auth) {
        return Err(Exception::parameter(format!("Invalid authentication type: {auth}")));
    }
    if let Some(lang) = &new.lang
        && lang != "en"
    {
        return Err(Exception::parameter(format!("Invalid language code: {lang}")));
    }
    if let Some(theme) = &new.theme
        && !["", "boost", "classic"].contains(&theme.as_str())
    {
        return Err(Exception::parameter(format!("Invalid theme: {theme}")));
    }
    Ok(())
}

fn check_password(new: &NewUser) -> Result<(), Exception> {
    if !INTERNAL_AUTH.contains(&new.auth.as_str()) || new.createpassword == Some(true) {
        return Ok(());
    }
    let Some(password) = new.password.as_deref().filter(|text| !text.is_empty()) else {
        return Err(Exception::parameter("Invalid password: you must provide a password"));
    };
    check_policy(password)
}

/// Moodle's default policy; its error code is a piece of HTML.
fn check_policy(password: &str) -> Result<(), Exception> {
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
    Err(Exception::moodle(&html, format!("error/{html}")))
}

/// An ASCII address with one `@` and a domain with a dot.
fn valid_email(address: &str) -> bool {
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
fn check_lengths(
    username: &str,
    firstname: &str,
    lastname: &str,
    email: &str,
    idnumber: &str,
) -> Result<(), Exception> {
    let columns = [
        ("username", username, 100),
        ("firstname", firstname, 100),
        ("lastname", lastname, 100),
        ("email", email, 100),
        ("idnumber", idnumber, 255),
    ];
    for (column, text, length_max) in columns {
        if text.chars().count() > length_max {
            return Err(Exception::write(format!("Data too long for column '{column}'")));
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

fn mail_display(number: i64) -> MailDisplay {
    match number {
        0 => MailDisplay::Hidden,
        1 => MailDisplay::Everyone,
        _ => MailDisplay::CourseMembers,
    }
}

#[derive(Deserialize)]
struct UpdateParams {
    users: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    id: i64,
    username: Option<String>,
    auth: Option<String>,
    suspended: Option<bool>,
    password: Option<String>,
    firstname: Option<String>,
    lastname: Option<String>,
    email: Option<String>,
    maildisplay: Option<i64>,
    city: Option<String>,
    country: Option<String>,
    idnumber: Option<String>,
    institution: Option<String>,
    department: Option<String>,
}

pub(super) fn update(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let UpdateParams { users } = args(value)?;
    call.require("moodle/user:update")?;
    let mut warnings = Vec::new();
    for change in users {
        let id = change.id;
        if let Err(warning) = update_one(call, change) {
            let (code, message) = warning;
            warnings.push(json!({
                "item": "user", "itemid": id, "warningcode": code, "message": message,
            }));
        }
    }
    Ok(json!({"warnings": warnings}))
}

type Warning = (&'static str, String);

fn update_one(call: &mut Call<'_>, change: Change) -> Result<(), Warning> {
    let id = change.id;
    let Some(user) = call.moodle.users.get(id).cloned() else {
        return Err(("invaliduserid", "Invalid user ID".to_owned()));
    };
    check_target(call, &user)?;
    if let Some(email) = &change.email {
        if !valid_email(email) {
            return Err(("useremailinvalid", format!("Email address is invalid: {email}")));
        }
        if !call.moodle.site.same_email_allowed && email_taken(call, email, Some(id)) {
            return Err(("useremailduplicate", format!("Duplicate email address: {email}")));
        }
    }
    if let Some(username) = &change.username {
        let holders = call.moodle.users_by_username(username);
        if holders.iter().any(|other| other.id != id) {
            return Err(("dmlwriteexception", "Error writing to database".to_owned()));
        }
    }
    let changed = changed(user, change, call.now);
    check_lengths(&changed.username, &changed.firstname, &changed.lastname, &changed.email, &changed.idnumber)
        .map_err(|_| ("dmlwriteexception", "Error writing to database".to_owned()))?;
    call.moodle.users.put(changed);
    Ok(())
}

fn check_target(call: &Call<'_>, user: &User) -> Result<(), Warning> {
    let refused = if user.deleted {
        ("usernotupdateddeleted", "User is a deleted user")
    } else if user.id == GUEST_ID {
        ("usernotupdatedguest", "Cannot update guest account")
    } else if call.moodle.site.admins.contains(&user.id) && !call.caller.site_admin {
        ("usernotupdatedadmin", "Cannot update admin accounts")
    } else {
        return Ok(());
    };
    Err((refused.0, refused.1.to_owned()))
}

fn changed(mut user: User, change: Change, now: i64) -> User {
    let texts = [
        (&mut user.username, change.username),
        (&mut user.auth, change.auth),
        (&mut user.firstname, change.firstname),
        (&mut user.lastname, change.lastname),
        (&mut user.email, change.email),
        (&mut user.idnumber, change.idnumber),
        (&mut user.city, change.city),
        (&mut user.country, change.country),
        (&mut user.institution, change.institution),
        (&mut user.department, change.department),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            *field = text;
        }
    }
    user.suspended = change.suspended.unwrap_or(user.suspended);
    user.has_password |= change.password.is_some();
    if let Some(number) = change.maildisplay {
        user.maildisplay = mail_display(number);
    }
    user.timemodified = now;
    user
}

#[derive(Deserialize)]
struct DeleteParams {
    userids: Vec<i64>,
}

pub(super) fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let DeleteParams { userids } = args(value)?;
    call.require("moodle/user:delete")?;
    for id in userids {
        let user = call.moodle.users.get(id).filter(|user| !user.deleted);
        if user.is_none() {
            return Err(Exception::missing("invaliduser", format!("user {id}")));
        }
        if id == call.caller.token.user_id {
            return Err(Exception::moodle("usernotdeletederror", "You cannot delete yourself"));
        }
        if call.moodle.site.admins.contains(&id) || id == GUEST_ID {
            return Err(Exception::moodle("useradminodelete", "Cannot delete an administrator"));
        }
        call.moodle.delete_user(id, call.now);
    }
    Ok(Value::Null)
}
