//! `core_user_update_users` (warnings per account) and `core_user_delete_users` (all or nothing).

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use super::create::{check_lengths, email_taken, mail_display, valid_email};
use crate::moodle::wire::Refusal;
use crate::moodle::{GUEST_ID, User};

#[derive(Deserialize)]
struct Args {
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

pub(crate) fn update(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Args { users } = args(value)?;
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
struct Deleted {
    userids: Vec<i64>,
}

pub(crate) fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Deleted { userids } = args(value)?;
    call.require("moodle/user:delete")?;
    for id in userids {
        let user = call.moodle.users.get(id).filter(|user| !user.deleted);
        if user.is_none() {
            return Err(Refusal::missing("invaliduser", format!("user {id}")));
        }
        if id == call.caller.token.user_id {
            return Err(Refusal::moodle("usernotdeletederror", "You cannot delete yourself"));
        }
        if call.moodle.site.admins.contains(&id) || id == GUEST_ID {
            return Err(Refusal::moodle("useradminodelete", "Cannot delete an administrator"));
        }
        call.moodle.delete_user(id, call.now);
    }
    Ok(Value::Null)
}
