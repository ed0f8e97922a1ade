//! `core_enrol_get_enrolled_users` and `core_enrol_get_users_courses`: people and courses without status, dates or method.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::call::args;
use super::courses::clean;
use super::users::AccountView;
use crate::moodle::wire::Exception;
use crate::moodle::{Context, Course, User};

#[derive(Deserialize)]
struct ListParams {
    courseid: i64,
    options: Vec<ListOption>,
}

#[derive(Deserialize)]
struct ListOption {
    name: String,
    value: String,
}

#[derive(Default)]
struct Options {
    only_active: bool,
    only_suspended: bool,
    group: usize,
    fields: Vec<String>,
    from: usize,
    count: usize,
    sort: Sort,
    descending: bool,
}

#[derive(Clone, Copy, Default)]
enum Sort {
    #[default]
    Id,
    FirstName,
    LastName,
}

/// Fields that may be asked for by name.
const USER_FIELDS: [&str; 26] = [
    "id",
    "username",
    "fullname",
    "firstname",
    "lastname",
    "email",
    "address",
    "phone1",
    "phone2",
    "department",
    "institution",
    "idnumber",
    "interests",
    "lastaccess",
    "firstaccess",
    "suspended",
    "description",
    "descriptionformat",
    "city",
    "country",
    "profileimageurlsmall",
    "profileimageurl",
    "customfields",
    "groups",
    "roles",
    "enrolledcourses",
];

pub(super) fn enrolled_users(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let ListParams { courseid, options } = args(value)?;
    let options = Options::read(&options)?;
    if call.moodle.courses.get(courseid).is_none() {
        return Err(Exception::missing("invalidrecord", format!("course {courseid}")));
    }
    if !call.may_open(courseid) {
        let message = "You cannot access this course";
        return Err(Exception::moodle("errorcoursecontextnotvalid", message));
    }
    let reviews = call.may("moodle/course:enrolreview");
    if !reviews {
        call.require("moodle/course:viewparticipants")?;
    }
    if options.group != 0 {
        call.require("moodle/site:accessallgroups")?;
    }
    if options.only_active || options.only_suspended {
        call.require("moodle/course:enrolreview")?;
    }
    // There are no groups here: nobody is in the one that is asked about, nor sees others where groups are separate.
    if options.group != 0 || !call.sees_all_of(courseid) {
        return Ok(json!([]));
    }
    let view = AccountView::of(call);
    let mut people = people(call, courseid, &options);
    options.order(&mut people);
    // Moodle reads the page first and hides people afterwards.
    let limit = if options.count == 0 { usize::MAX } else { options.count };
    let page = people.into_iter().skip(options.from).take(limit);
    let shown: Result<Vec<Value>, Exception> = page
        .filter(|user| view.anything(user))
        .map(|user| participant(call, &view, user, courseid, &options.fields))
        .collect();
    Ok(Value::Array(shown?))
}

fn people<'a>(call: &'a Call<'_>, course_id: i64, options: &Options) -> Vec<&'a User> {
    let mut active: BTreeMap<i64, bool> = BTreeMap::new();
    for enrolment in call.moodle.enrolments_of_course(course_id) {
        let is_active = call.moodle.is_active(enrolment, call.listing_time());
        *active.entry(enrolment.user_id).or_insert(false) |= is_active;
    }
    let wanted = active
        .into_iter()
        .filter(|(_, is_active)| (!options.only_active || *is_active) && (!options.only_suspended || !*is_active));
    let users = wanted.filter_map(|(id, _)| call.moodle.users.get(id));
    users.filter(|user| !user.deleted).collect()
}

fn participant(
    call: &Call<'_>,
    view: &AccountView,
    user: &User,
    course_id: i64,
    fields: &[String],
) -> Result<Value, Exception> {
    let mut shown = view.show(call, user)?;
    let wanted = |name: &str| fields.is_empty() || fields.iter().any(|field| field == name);
    if let Value::Object(map) = &mut shown {
        // The full name always comes along.
        map.retain(|name, _| wanted(name) || name == "fullname" || name == "id");
    }
    if wanted("roles") {
        shown["roles"] = roles(call, user.id, course_id);
    }
    if wanted("groups") {
        shown["groups"] = json!([]);
    }
    if wanted("enrolledcourses") {
        shown["enrolledcourses"] = enrolled_courses(call, user.id);
    }
    if fields.is_empty() {
        shown["lastcourseaccess"] = json!(0);
    }
    Ok(shown)
}

fn roles(call: &Call<'_>, user_id: i64, course_id: i64) -> Value {
    let held = call.moodle.roles_of(user_id, Context::Course(course_id));
    let ids: BTreeSet<i64> = held.map(|row| row.role_id).collect();
    let roles = ids.iter().filter_map(|id| call.moodle.roles.get(id));
    roles
        .map(|role| {
            json!({
                "roleid": role.id, "name": "", "shortname": role.shortname,
                "sortorder": role.sortorder,
            })
        })
        .collect()
}

fn enrolled_courses(call: &Call<'_>, user_id: i64) -> Value {
    let rows = call.moodle.enrolments_of_user(user_id);
    let active = rows.filter(|row| call.moodle.is_active(row, call.listing_time()));
    let courses = active.filter_map(|row| call.moodle.courses.get(row.course_id));
    courses
        .map(|course| {
            json!({
                "id": course.id, "fullname": clean(&course.fullname, call.raw),
                "shortname": clean(&course.shortname, call.raw),
            })
        })
        .collect()
}

impl Options {
    fn read(choices: &[ListOption]) -> Result<Self, Exception> {
        let mut options = Self::default();
        for ListOption { name, value } in choices {
            let number = || {
                let parsed = value.parse::<usize>();
                parsed.map_err(|_| Exception::parameter(format!("{name}: {value}")))
            };
            match name.as_str() {
                "onlyactive" => options.only_active = number()? != 0,
                "onlysuspended" => options.only_suspended = number()? != 0,
                "groupid" => options.group = number()?,
                "limitfrom" => options.from = number()?,
                "limitnumber" => options.count = number()?,
                "userfields" => options.fields = read_fields(value)?,
                "sortby" => options.sort = read_sort(value)?,
                "sortdirection" => options.descending = value.eq_ignore_ascii_case("desc"),
                // Options that the server does not know are ignored.
                _ => {}
            }
        }
        if options.only_active && options.only_suspended {
            return Err(Exception::coding("onlyactive and onlysuspended exclude each other"));
        }
        Ok(options)
    }

    fn order(&self, people: &mut [&User]) {
        match self.sort {
            Sort::Id => people.sort_by_key(|user| user.id),
            Sort::FirstName => people.sort_by_key(|user| (user.firstname.to_lowercase(), user.id)),
            Sort::LastName => people.sort_by_key(|user| (user.lastname.to_lowercase(), user.id)),
        }
        if self.descending {
            people.reverse();
        }
    }
}

fn read_fields(list: &str) -> Result<Vec<String>, Exception> {
    let names = list.split(',').map(|name| name.trim().to_owned());
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    match names.iter().find(|name| !USER_FIELDS.contains(&name.as_str())) {
        Some(unknown) => {
            let message = format!("Invalid user field: {unknown}");
            Err(Exception::moodle("invaliduserfield", message))
        }
        None => Ok(names),
    }
}

fn read_sort(name: &str) -> Result<Sort, Exception> {
    match name {
        "id" => Ok(Sort::Id),
        "firstname" => Ok(Sort::FirstName),
        "lastname" | "siteorder" => Ok(Sort::LastName),
        other => Err(Exception::parameter(format!("sortby: {other}"))),
    }
}

#[derive(Deserialize)]
struct CoursesParams {
    userid: i64,
    returnusercount: bool,
}

/// Roles whose holders see hidden courses: manager, course creator, teachers.
const SEE_HIDDEN: [i64; 4] = [1, 2, 3, 4];

/// Courses in which the account is active now, that it may see itself, and that the caller may open.
pub(super) fn users_courses(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let CoursesParams { userid, returnusercount } = args(value)?;
    let view = AccountView::of(call);
    let user = call.moodle.users.get(userid).filter(|user| !user.deleted);
    if !user.is_some_and(|user| view.anything(user)) {
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
