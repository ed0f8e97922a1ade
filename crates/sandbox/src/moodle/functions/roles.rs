//! `core_role_assign_roles` and `core_role_unassign_roles`: manual rows only, owned by nobody.

use serde::Deserialize;
use serde_json::Value;

use super::call::args;
use super::{Call, Function};
use crate::moodle::wire::Exception;
use crate::moodle::wire::schema::{Key, Shape, optional, required};
use crate::moodle::{Assignment, Context};

const ASSIGNMENT: &[Key] = &[
    required("roleid", Shape::Int),
    required("userid", Shape::Int),
    optional("contextid", Shape::Int),
    optional("contextlevel", Shape::Letters),
    optional("instanceid", Shape::Int),
];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "core_role_assign_roles",
        params: &[required("assignments", Shape::List(&Shape::Struct(ASSIGNMENT)))],
        run: assign,
    },
    Function {
        name: "core_role_unassign_roles",
        params: &[required("unassignments", Shape::List(&Shape::Struct(ASSIGNMENT)))],
        run: unassign,
    },
];

#[derive(Deserialize)]
struct Assign {
    assignments: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Unassign {
    unassignments: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Wanted {
    roleid: i64,
    userid: i64,
    contextid: Option<i64>,
    contextlevel: Option<String>,
    instanceid: Option<i64>,
}

fn assign(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let Assign { assignments } = args(value)?;
    for wanted in assignments {
        let context = permitted(call, &wanted)?;
        let user = call.moodle.users.get(wanted.userid);
        if user.is_none_or(|user| user.deleted) {
            return Err(Exception::coding("User ID does not exist or is deleted!"));
        }
        give(call, wanted.roleid, wanted.userid, context);
    }
    Ok(Value::Null)
}

fn unassign(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let Unassign { unassignments } = args(value)?;
    for unwanted in unassignments {
        let context = permitted(call, &unwanted)?;
        for id in manual_rows(call, unwanted.roleid, unwanted.userid, context) {
            call.moodle.assignments.remove(id);
        }
    }
    Ok(Value::Null)
}

/// The context, if the caller may give the role there.
fn permitted(call: &Call<'_>, wanted: &Wanted) -> Result<Context, Exception> {
    let context = context_of(call, wanted)?;
    if let Context::Course(id) = context
        && !call.may_open(id)
    {
        return Err(Exception::login("Not enrolled"));
    }
    call.require("moodle/role:assign")?;
    let role = call.moodle.roles.get(&wanted.roleid);
    if !role.is_some_and(|role| role.fits(context)) || !call.caller.may_assign(wanted.roleid) {
        let debug = format!("Can not assign roleid={} in contextid={}", wanted.roleid, context.id());
        return Err(Exception::parameter(debug));
    }
    Ok(context)
}

fn context_of(call: &Call<'_>, wanted: &Wanted) -> Result<Context, Exception> {
    let missing = || Exception::parameter("Context does not exist");
    let context = match (wanted.contextid, wanted.contextlevel.as_deref(), wanted.instanceid) {
        (Some(id), _, _) => Context::from_id(id),
        (None, Some("system"), Some(_)) => Some(Context::System),
        (None, Some("user"), Some(id)) => Some(Context::User(id)),
        (None, Some("coursecat"), Some(id)) => Some(Context::Category(id)),
        (None, Some("course"), Some(id)) => Some(Context::Course(id)),
        _ => None,
    };
    let context = context.ok_or_else(missing)?;
    if call.moodle.has_context(context) { Ok(context) } else { Err(missing()) }
}

fn manual_rows(call: &Call<'_>, role_id: i64, user_id: i64, context: Context) -> Vec<i64> {
    let held = call.moodle.roles_of(user_id, context);
    let manual = held.filter(|row| row.role_id == role_id && row.component.is_empty());
    manual.map(|row| row.id).collect()
}

/// Adds a manual row if there is none, whatever a plugin has given, and removes duplicates of it. Rows that a call
/// wrote at the same time go unseen, which is how duplicates come about.
pub(super) fn give(call: &mut Call<'_>, role_id: i64, user_id: i64, context: Context) {
    let rows = manual_rows(call, role_id, user_id, context);
    let mut seen = rows.into_iter().filter(|id| call.sees_row(|limits| limits.assignments, *id));
    let first = seen.next();
    let surplus: Vec<i64> = seen.collect();
    for id in surplus {
        call.moodle.assignments.remove(id);
    }
    if first.is_some() {
        return;
    }
    call.moodle.assignments.insert(Assignment {
        id: 0,
        role_id,
        context,
        user_id,
        component: String::new(),
        itemid: 0,
        timemodified: call.now,
    });
}
