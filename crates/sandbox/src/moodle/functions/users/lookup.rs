//! `core_user_get_users_by_field` and `core_user_get_users`.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use super::view::Sight;
use crate::moodle::tables::collation::fold;
use crate::moodle::wire::{Refusal, valid_username};
use crate::moodle::{GUEST_ID, Release, User};

#[derive(Deserialize)]
struct ByField {
    field: String,
    values: Vec<String>,
}

/// By one field and any number of values: by ascending id, each account once, unknown values simply missing.
pub(crate) fn by_field(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
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
                return Err(Refusal::parameter(format!("username: {bad}")));
            }
            let users = values.iter();
            alive(users.flat_map(|value| call.moodle.users_by_username(value)))
        }
        "email" => {
            if values.iter().any(|address| address.trim() != address) {
                return Err(Refusal::parameter("email: surrounding space"));
            }
            let users = values.iter();
            alive(users.flat_map(|value| call.moodle.users_by_email(value)))
        }
        other => {
            return Err(Refusal::coding(format!("The search field '{other}' is invalid")));
        }
    };
    let sight = Sight::of(call);
    let searched = |user: &User| match field.as_str() {
        "id" => sight.anything(user),
        "email" => sight.email(user),
        _ => sight.account(user),
    };
    let users = found.iter().filter_map(|id| call.moodle.users.get(*id));
    let shown: Result<Vec<Value>, Refusal> =
        users.filter(|user| searched(user)).map(|user| sight.show(call, user)).collect();
    Ok(Value::Array(shown?))
}

/// Deleted accounts are found by id only.
fn by_id(call: &Call<'_>, values: &[String]) -> Result<BTreeSet<i64>, Refusal> {
    let mut found = BTreeSet::new();
    for value in values {
        // PHP takes `2013.0` for an integer here.
        let digits = value.strip_suffix(".0").unwrap_or(value);
        let id: i64 = digits.parse().map_err(|_| Refusal::parameter(format!("id: {value}")))?;
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
pub(crate) fn by_criteria(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let ByCriteria { criteria } = args(value)?;
    let mut seen = HashSet::new();
    let mut warnings = Vec::new();
    let mut tests = Vec::new();
    for criterion in &criteria {
        if !seen.insert(criterion.key.as_str()) {
            let message = format!("The key '{}' was sent twice", criterion.key);
            return Err(Refusal::moodle("keyalreadyset", message));
        }
        match field_of(&criterion.key) {
            Some(field) => tests.push((field, criterion)),
            None => warnings.push(json!({
                "item": criterion.key, "warningcode": "invalidfieldparameter",
                "message": format!("The search key '{}' is not supported", criterion.key),
            })),
        }
    }
    let sight = Sight::of(call);
    let users = call.moodle.users.iter();
    let found = users
        .filter(|user| !user.deleted && user.id != GUEST_ID)
        .filter(|user| tests.iter().all(|(field, test)| holds(user, *field, test)))
        .filter(|user| sight.anything(user) && tests.iter().all(|(_, test)| visible(&sight, user, test)));
    let shown: Result<Vec<Value>, Refusal> = found.map(|user| sight.show(call, user)).collect();
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

fn visible(sight: &Sight, user: &User, test: &Criterion) -> bool {
    match test.key.as_str() {
        "id" | "firstname" | "lastname" => true,
        "email" => sight.email(user),
        _ => sight.account(user),
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
