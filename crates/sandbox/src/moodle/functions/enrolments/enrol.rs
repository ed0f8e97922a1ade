//! `enrol_manual_enrol_users`: one transaction over the batch, with all that the call does unasked.

use serde::Deserialize;
use serde_json::Value;

use super::super::Call;
use super::super::call::args;
use super::super::roles::give;
use crate::moodle::wire::Refusal;
use crate::moodle::{Context, Enrolment, GUEST_ID, Release, TEACHER_ROLE, Welcome, WelcomeFrom};

#[derive(Deserialize)]
struct Args {
    enrolments: Vec<Wanted>,
}

#[derive(Clone, Copy, Deserialize)]
struct Wanted {
    roleid: i64,
    userid: i64,
    courseid: i64,
    timestart: Option<i64>,
    timeend: Option<i64>,
    suspend: Option<i64>,
}

pub(crate) fn enrol(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Args { enrolments } = args(value)?;
    for wanted in enrolments {
        enrol_one(call, wanted)?;
    }
    Ok(Value::Null)
}

fn enrol_one(call: &mut Call<'_>, wanted: Wanted) -> Result<(), Refusal> {
    let course_id = wanted.courseid;
    check_course(call, course_id)?;
    call.require("enrol/manual:enrol")?;
    let context = Context::Course(course_id);
    let role = call.moodle.roles.get(&wanted.roleid);
    let fits = role.is_some_and(|role| role.fits(context));
    if !fits || !call.caller.may_assign(wanted.roleid) {
        let message = "You are not allowed to assign this role in this course";
        return Err(Refusal::moodle("wsusercannotassign", message));
    }
    let instance_id = enabled_instance(call, course_id)?;
    check_user(call, instance_id, wanted.userid)?;
    write(call, instance_id, wanted)?;
    give(call, wanted.roleid, wanted.userid, context);
    welcome(call, instance_id, wanted)
}

pub(super) fn check_course(call: &Call<'_>, course_id: i64) -> Result<(), Refusal> {
    if call.moodle.courses.get(course_id).is_none() {
        let debug = format!("Context does not exist for course {course_id}");
        return Err(Refusal::parameter(debug));
    }
    if !call.may_open(course_id) {
        return Err(Refusal::login("Not enrolled"));
    }
    Ok(())
}

fn enabled_instance(call: &Call<'_>, course_id: i64) -> Result<i64, Refusal> {
    let methods = call.moodle.instances_of(course_id);
    let first = methods.iter().find(|method| method.enrol == "manual" && method.enabled);
    let refused = || Refusal::no_instance(course_id, call.moodle.site.release);
    first.map(|method| method.id).ok_or_else(refused)
}

/// Only 4.5.6 looks at the account first. The others fail where they give the role; from 5.0 on the welcome message
/// comes before that, and stumbles over somebody who does not exist.
fn check_user(call: &Call<'_>, instance_id: i64, user_id: i64) -> Result<(), Refusal> {
    let release = call.moodle.site.release;
    let user = call.moodle.users.get(user_id);
    if release != Release::V4_5 {
        return match user {
            Some(user) if !user.deleted => Ok(()),
            None if release > Release::V4_5 && greets(call, instance_id) => {
                Err(Refusal::php_type("fullname(): Argument #1 ($user) must be of type stdClass, false given"))
            }
            _ => Err(Refusal::coding("User ID does not exist or is deleted!")),
        };
    }
    let Some(user) = user else {
        return Err(Refusal::missing("invaliduser", format!("user {user_id}")));
    };
    let state = if user.deleted {
        "userdeleted"
    } else if !user.confirmed {
        "usernotconfirmed"
    } else if user.id == GUEST_ID {
        "guestsarenotallowed"
    } else {
        return Ok(());
    };
    Err(Refusal::moodle(state, "This account cannot be enrolled"))
}

/// Dates that were left out mean "none": an existing enrolment loses its own.
fn write(call: &mut Call<'_>, instance_id: i64, wanted: Wanted) -> Result<(), Refusal> {
    let suspended = wanted.suspend.unwrap_or(0) != 0;
    let timestart = wanted.timestart.unwrap_or(0);
    let timeend = wanted.timeend.unwrap_or(0);
    let (now, modifier_id) = (call.now, call.caller.token.user_id);
    let pairs = &call.moodle.enrolments.index().pair;
    let present = pairs.get(&(instance_id, wanted.userid)).copied();
    let Some(id) = present else {
        call.moodle.enrolments.insert(Enrolment {
            id: 0,
            instance_id,
            course_id: wanted.courseid,
            user_id: wanted.userid,
            suspended,
            timestart,
            timeend,
            modifier_id,
            timecreated: now,
            timemodified: now,
        });
        return Ok(());
    };
    if !call.saw(|seen| seen.enrolments, id) {
        return Err(Refusal::write("Duplicate entry for key 'enrolid-userid'"));
    }
    let same = call
        .moodle
        .enrolments
        .get(id)
        .is_some_and(|row| (row.suspended, row.timestart, row.timeend) == (suspended, timestart, timeend));
    if !same {
        call.moodle.enrolments.edit(id, |row| {
            row.suspended = suspended;
            row.timestart = timestart;
            row.timeend = timeend;
            row.modifier_id = modifier_id;
            row.timemodified = now;
        });
    }
    Ok(())
}

/// From 4.4 final on every call sends a message, also when nothing changed or the learner is suspended.
fn welcome(call: &mut Call<'_>, instance_id: i64, wanted: Wanted) -> Result<(), Refusal> {
    let Wanted { userid: user_id, courseid: course_id, .. } = wanted;
    if call.moodle.site.release == Release::V4_4 || !greets(call, instance_id) {
        return Ok(());
    }
    let method = call.moodle.instances.get(instance_id);
    let by_contact = method.is_some_and(|method| method.welcome == WelcomeFrom::CourseContact);
    if by_contact && !has_contact(call, course_id) {
        return Ok(());
    }
    if let Some(code) = &call.moodle.site.welcome_error {
        let mut refusal = Refusal::moodle(code, "The message could not be sent");
        refusal.stands = true;
        return Err(refusal);
    }
    let user = call.moodle.users.get(user_id);
    let mailed = user.is_some_and(|user| !user.suspended && !user.deleted && user.auth != "nologin");
    call.moodle.welcomes.push(Welcome { user_id, course_id, mailed });
    Ok(())
}

fn greets(call: &Call<'_>, instance_id: i64) -> bool {
    let method = call.moodle.instances.get(instance_id);
    method.is_some_and(|method| method.welcome != WelcomeFrom::Nobody)
}

fn has_contact(call: &Call<'_>, course_id: i64) -> bool {
    let contacts = &call.moodle.assignments.index().holders;
    let key = (Context::Course(course_id), TEACHER_ROLE);
    contacts.ids(key).next().is_some()
}
