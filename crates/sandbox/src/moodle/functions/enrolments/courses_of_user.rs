//! `core_enrol_get_users_courses`: the courses in which an account is active, with completion but without its date.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use super::super::courses::clean;
use super::super::users::view::Sight;
use crate::moodle::wire::Refusal;
use crate::moodle::{Context, Course};

#[derive(Deserialize)]
struct OfUser {
    userid: i64,
    returnusercount: bool,
}

/// Roles whose holders see hidden courses: manager, course creator, teachers.
const SEE_HIDDEN: [i64; 4] = [1, 2, 3, 4];

/// Courses in which the account is active now, that it may see itself, and that the caller may open.
pub(crate) fn users_courses(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let OfUser { userid, returnusercount } = args(value)?;
    let sight = Sight::of(call);
    let user = call.moodle.users.get(userid).filter(|user| !user.deleted);
    if !user.is_some_and(|user| sight.anything(user)) {
        return Ok(json!([]));
    }
    let lists = call.may("moodle/course:viewparticipants") || call.may("moodle/course:enrolreview");
    if !lists && userid != call.caller.token.user_id {
        return Ok(json!([]));
    }
    let rows = call.moodle.enrolments_of_user(userid);
    let active = rows.filter(|row| call.moodle.is_active(row, call.listing_time()));
    let ids: BTreeSet<i64> = active.map(|row| row.course_id).collect();
    let courses = ids.iter().filter_map(|id| call.moodle.courses.get(*id));
    let list: Vec<Value> = courses
        .filter(|course| call.may_open(course.id) && call.sees_all_of(course.id) && shows(call, course, userid))
        .map(|course| course_of(call, course, userid, returnusercount))
        .collect();
    Ok(Value::Array(list))
}

/// A hidden course is left out unless the account itself, whoever asks, sees hidden ones.
fn shows(call: &Call<'_>, course: &Course, user_id: i64) -> bool {
    let mut roles = call.moodle.roles_of(user_id, Context::Course(course.id));
    course.visible || call.moodle.site.admins.contains(&user_id) || roles.any(|row| SEE_HIDDEN.contains(&row.role_id))
}

fn course_of(call: &Call<'_>, course: &Course, user_id: i64, count: bool) -> Value {
    let row = call.moodle.completion(user_id, course.id);
    let done = row.is_some_and(|row| row.timecompleted.is_some());
    let known = course.enablecompletion && call.may("report/completion:view");
    let text = |stored: &str| clean(stored, call.raw);
    let mut shown = json!({
        "id": course.id, "shortname": text(&course.shortname), "fullname": text(&course.fullname),
        "displayname": text(&course.fullname), "idnumber": course.idnumber,
        "visible": i32::from(course.visible), "summary": "", "summaryformat": 1,
        "format": "topics", "showgrades": true, "lang": "",
        "enablecompletion": course.enablecompletion, "completionhascriteria": course.has_criteria,
        "completionusertracked": course.enablecompletion, "category": course.category,
        "progress": if known && course.has_criteria { json!(if done { 100.0 } else { 0.0 }) } else { Value::Null },
        "completed": if known { json!(done) } else { Value::Null },
        "startdate": 0, "enddate": 0, "marker": 0, "lastaccess": Value::Null,
        "isfavourite": false, "hidden": false, "overviewfiles": [],
        "showactivitydates": true, "showcompletionconditions": true, "timemodified": course.timemodified,
    });
    if count {
        let enrolled = call.moodle.enrolments_of_course(course.id).count();
        shown["enrolledusercount"] = json!(enrolled);
    }
    shown
}
