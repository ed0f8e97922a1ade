//! `core_course_create_courses` and `core_course_delete_courses`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::Refusal;
use crate::moodle::{Course, FRONT_PAGE_ID};

/// Moodle's number for it.
const SEPARATE_GROUPS: i64 = 1;

#[derive(Deserialize)]
struct Create {
    courses: Vec<New>,
}

#[derive(Deserialize)]
struct New {
    fullname: String,
    shortname: String,
    categoryid: i64,
    idnumber: Option<String>,
    visible: Option<i64>,
    enablecompletion: Option<i64>,
    groupmode: Option<i64>,
}

pub(super) fn create(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Create { courses } = args(value)?;
    let mut created = Vec::with_capacity(courses.len());
    for new in courses {
        if !call.moodle.categories.contains_key(&new.categoryid) {
            return Err(Refusal::parameter(format!("category {}", new.categoryid)));
        }
        call.require("moodle/course:create")?;
        let idnumber = new.idnumber.unwrap_or_default();
        // Only code keeps these two unique: duplicates can exist all the same.
        if !call.moodle.courses_by_shortname(&new.shortname).is_empty() {
            return Err(Refusal::moodle("shortnametaken", "Short name is already used for another course"));
        }
        if !idnumber.is_empty() && !call.moodle.courses_by_idnumber(&idnumber).is_empty() {
            return Err(Refusal::moodle("courseidnumbertaken", "ID number is already used for another course"));
        }
        let mut course = Course::new(&idnumber, &new.fullname);
        course.shortname = new.shortname.clone();
        course.category = new.categoryid;
        course.visible = new.visible.unwrap_or(1) != 0;
        course.enablecompletion = new.enablecompletion.unwrap_or(0) != 0;
        course.separate_groups = new.groupmode == Some(SEPARATE_GROUPS);
        course.has_criteria = false;
        course.timecreated = call.now;
        course.timemodified = call.now;
        let id = call.moodle.courses.insert(course);
        call.moodle.add_instance(id, "manual");
        created.push(json!({"id": id, "shortname": new.shortname}));
    }
    Ok(Value::Array(created))
}

#[derive(Deserialize)]
struct Delete {
    courseids: Vec<i64>,
}

/// Unknown courses become warnings; the others are gone with their enrolments.
pub(super) fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Delete { courseids } = args(value)?;
    let mut warnings = Vec::new();
    for id in courseids {
        if id == FRONT_PAGE_ID || call.moodle.courses.get(id).is_none() {
            warnings.push(json!({
                "item": "course", "itemid": id, "warningcode": "unknowncourseidnumber",
                "message": format!("Unknown course ID {id}"),
            }));
            continue;
        }
        call.require("moodle/course:delete")?;
        let enrolments: Vec<i64> = call.moodle.enrolments_of_course(id).map(|row| row.id).collect();
        for enrolment in enrolments {
            call.moodle.unenrol(enrolment);
        }
        let methods: Vec<i64> = call.moodle.instances_of(id).iter().map(|method| method.id).collect();
        for method in methods {
            call.moodle.instances.remove(method);
        }
        call.moodle.courses.remove(id);
    }
    Ok(json!({"warnings": warnings}))
}
