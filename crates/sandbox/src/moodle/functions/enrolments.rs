//! Manual enrolment: each call is one transaction over its batch, with all that Moodle does unasked.

use serde::Deserialize;
use serde_json::Value;

use super::call::args;
use super::participants;
use super::roles::give;
use super::{Call, Function};
use crate::moodle::wire::Exception;
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};
use crate::moodle::{Context, Enrolment, GUEST_ID, Release, TEACHER_ROLE, Welcome, WelcomeFrom};

const ENROLMENT: &[Key] = &[
    required("roleid", Shape::Int),
    required("userid", Shape::Int),
    required("courseid", Shape::Int),
    optional("timestart", Shape::Int),
    optional("timeend", Shape::Int),
    optional("suspend", Shape::Int),
];

const UNENROLMENT: &[Key] =
    &[required("userid", Shape::Int), required("courseid", Shape::Int), optional("roleid", Shape::Int)];

const OPTION: &[Key] = &[required("name", Shape::Word), required("value", Shape::Raw)];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "enrol_manual_enrol_users",
        params: &[required("enrolments", Shape::List(&Shape::Struct(ENROLMENT)))],
        run: enrol,
    },
    Function {
        name: "enrol_manual_unenrol_users",
        params: &[required("enrolments", Shape::List(&Shape::Struct(UNENROLMENT)))],
        run: unenrol,
    },
    Function {
        name: "core_enrol_get_enrolled_users",
        params: &[required("courseid", Shape::Int), with_default("options", Shape::List(&Shape::Struct(OPTION)), "")],
        run: participants::enrolled_users,
    },
    Function {
        name: "core_enrol_get_users_courses",
        params: &[required("userid", Shape::Int), with_default("returnusercount", Shape::Bool, "1")],
        run: participants::users_courses,
    },
];

#[derive(Deserialize)]
struct EnrolParams {
    enrolments: Vec<NewEnrolment>,
}

#[derive(Clone, Copy, Deserialize)]
struct NewEnrolment {
    roleid: i64,
    userid: i64,
    courseid: i64,
    timestart: Option<i64>,
    timeend: Option<i64>,
    suspend: Option<i64>,
}

fn enrol(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let EnrolParams { enrolments } = args(value)?;
    for new in enrolments {
        enrol_one(call, new)?;
    }
    Ok(Value::Null)
}

fn enrol_one(call: &mut Call<'_>, new: NewEnrolment) -> Result<(), Exception> {
    let course_id = new.courseid;
    check_course(call, course_id)?;
    call.require("enrol/manual:enrol")?;
    let context = Context::Course(course_id);
    let role = call.moodle.roles.get(&new.roleid);
    let fits = role.is_some_and(|role| role.fits(context));
    if !fits || !call.caller.may_assign(new.roleid) {
        let message = "You are not allowed to assign this role in this course";
        return Err(Exception::moodle("wsusercannotassign", message));
    }
    let instance_id = enabled_instance(call, course_id)?;
    check_user(call, instance_id, new.userid)?;
    write(call, instance_id, new)?;
    give(call, new.roleid, new.userid, context);
    welcome(call, instance_id, new)
}

fn check_course(call: &Call<'_>, course_id: i64) -> Result<(), Exception> {
    if call.moodle.courses.get(course_id).is_none() {
        let debug = format!("Context does not exist for course {course_id}");
        return Err(Exception::parameter(debug));
    }
    if !call.may_open(course_id) {
        return Err(Exception::login("Not enrolled"));
    }
    Ok(())
}

fn enabled_instance(call: &Call<'_>, course_id: i64) -> Result<i64, Exception> {
    let methods = call.moodle.instances_of(course_id);
    let first = methods.iter().find(|method| method.enrol == "manual" && method.enabled);
    let refused = || Exception::no_instance(course_id, call.moodle.site.release);
    first.map(|method| method.id).ok_or_else(refused)
}

/// Only 4.5.6 looks at the account first. The others fail where they give the role; from 5.0 on the welcome message
/// comes before that, and stumbles over somebody who does not exist.
fn check_user(call: &Call<'_>, instance_id: i64, user_id: i64) -> Result<(), Exception> {
    let release = call.moodle.site.release;
    let user = call.moodle.users.get(user_id);
    if release != Release::V4_5 {
        return match user {
            Some(user) if !user.deleted => Ok(()),
            None if release > Release::V4_5 && sends_welcome(call, instance_id) => {
                Err(Exception::php_type("fullname(): Argument #1 ($user) must be of type stdClass, false given"))
            }
            _ => Err(Exception::coding("User ID does not exist or is deleted!")),
        };
    }
    let Some(user) = user else {
        return Err(Exception::missing("invaliduser", format!("user {user_id}")));
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
    Err(Exception::moodle(state, "This account cannot be enrolled"))
}

/// Dates that were left out mean "none": an existing enrolment loses its own.
fn write(call: &mut Call<'_>, instance_id: i64, new: NewEnrolment) -> Result<(), Exception> {
    let suspended = new.suspend.unwrap_or(0) != 0;
    let timestart = new.timestart.unwrap_or(0);
    let timeend = new.timeend.unwrap_or(0);
    let (now, modifier_id) = (call.now, call.caller.token.user_id);
    let pairs = &call.moodle.enrolments.index().pair;
    let present = pairs.get(&(instance_id, new.userid)).copied();
    let Some(id) = present else {
        call.moodle.enrolments.insert(Enrolment {
            id: 0,
            instance_id,
            course_id: new.courseid,
            user_id: new.userid,
            suspended,
            timestart,
            timeend,
            modifier_id,
            timecreated: now,
            timemodified: now,
        });
        return Ok(());
    };
    if !call.sees_row(|limits| limits.enrolments, id) {
        return Err(Exception::write("Duplicate entry for key 'enrolid-userid'"));
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
fn welcome(call: &mut Call<'_>, instance_id: i64, new: NewEnrolment) -> Result<(), Exception> {
    let NewEnrolment { userid: user_id, courseid: course_id, .. } = new;
    if call.moodle.site.release == Release::V4_4 || !sends_welcome(call, instance_id) {
        return Ok(());
    }
    let method = call.moodle.instances.get(instance_id);
    let by_contact = method.is_some_and(|method| method.welcome == WelcomeFrom::CourseContact);
    if by_contact && !has_contact(call, course_id) {
        return Ok(());
    }
    if let Some(code) = &call.moodle.site.welcome_error {
        let mut exception = Exception::moodle(code, "The message could not be sent");
        exception.keeps_changes = true;
        return Err(exception);
    }
    let user = call.moodle.users.get(user_id);
    let mailed = user.is_some_and(|user| !user.suspended && !user.deleted && user.auth != "nologin");
    call.moodle.welcomes.push(Welcome { user_id, course_id, mailed });
    Ok(())
}

fn sends_welcome(call: &Call<'_>, instance_id: i64) -> bool {
    let method = call.moodle.instances.get(instance_id);
    method.is_some_and(|method| method.welcome != WelcomeFrom::Nobody)
}

fn has_contact(call: &Call<'_>, course_id: i64) -> bool {
    let contacts = &call.moodle.assignments.index().holders;
    let key = (Context::Course(course_id), TEACHER_ROLE);
    contacts.ids(key).next().is_some()
}

#[derive(Deserialize)]
struct UnenrolParams {
    enrolments: Vec<OldEnrolment>,
}

#[derive(Deserialize)]
struct OldEnrolment {
    userid: i64,
    courseid: i64,
    roleid: Option<i64>,
}

fn unenrol(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let UnenrolParams { enrolments } = args(value)?;
    for old in enrolments {
        let OldEnrolment { userid, courseid, roleid } = old;
        if roleid.is_some() && call.moodle.site.release >= Release::V5_2 {
            return Err(Exception::parameter("Unexpected keys (roleid) detected in parameter array."));
        }
        if call.moodle.courses.get(courseid).is_none() {
            return Err(Exception::missing("invalidrecord", format!("course {courseid}")));
        }
        check_course(call, courseid)?;
        call.require("enrol/manual:unenrol")?;
        let methods = call.moodle.manual_instances(courseid);
        if methods.is_empty() {
            let release = call.moodle.site.release;
            return Err(Exception::no_instance(courseid, release));
        }
        let user = call.moodle.users.get(userid).filter(|user| !user.deleted);
        if user.is_none() {
            return Err(Exception::parameter(format!("Invalid user: {userid}")));
        }
        let enrolment = call.moodle.enrolment(userid, courseid).map(|row| row.id);
        if let Some(id) = enrolment {
            call.moodle.unenrol(id);
        }
    }
    Ok(Value::Null)
}
