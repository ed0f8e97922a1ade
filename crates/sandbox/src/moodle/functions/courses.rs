//! Courses: look-up, and the creation and deletion that test suites need.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::args;
use super::{Call, Function};
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};
use crate::moodle::wire::{Exception, escape};
use crate::moodle::{Course, FRONT_PAGE_ID, Release, Visibility};

const OPTIONS: &[Key] = &[optional("ids", Shape::List(&Shape::Int))];

const NEW_COURSE: &[Key] = &[
    required("fullname", Shape::NoTags),
    required("shortname", Shape::NoTags),
    required("categoryid", Shape::Int),
    optional("idnumber", Shape::Raw),
    optional("summary", Shape::Raw),
    with_default("summaryformat", Shape::Int, "1"),
    with_default("format", Shape::Word, "topics"),
    optional("startdate", Shape::Int),
    optional("enddate", Shape::Int),
    optional("visible", Shape::Int),
    optional("enablecompletion", Shape::Int),
    optional("completionnotify", Shape::Int),
    optional("groupmode", Shape::Int),
    optional("lang", Shape::Word),
];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "core_course_get_courses_by_field",
        params: &[with_default("field", Shape::Letters, ""), with_default("value", Shape::Raw, "")],
        run: by_field,
    },
    Function {
        name: "core_course_get_courses",
        params: &[with_default("options", Shape::Struct(OPTIONS), "")],
        run: listed,
    },
    Function {
        name: "core_course_create_courses",
        params: &[required("courses", Shape::List(&Shape::Struct(NEW_COURSE)))],
        run: create,
    },
    Function {
        name: "core_course_delete_courses",
        params: &[required("courseids", Shape::List(&Shape::Int))],
        run: delete,
    },
];

#[derive(Deserialize)]
struct ByField {
    field: String,
    value: String,
}

fn by_field(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let ByField { field, value } = args(value)?;
    let found = find(call, &field, &value)?;
    let courses: Vec<Value> = found
        .iter()
        .filter_map(|id| call.moodle.courses.get(*id))
        .filter(|course| course.visible || call.may("moodle/course:viewhiddencourses"))
        .map(|course| shown(call, course))
        .collect();
    Ok(json!({"courses": courses, "warnings": []}))
}

fn find(call: &Call<'_>, field: &str, value: &str) -> Result<Vec<i64>, Exception> {
    let number = || {
        let parsed = value.parse::<i64>();
        parsed.map_err(|_| Exception::parameter(format!("{field}: {value}")))
    };
    let ids = |courses: Vec<&Course>| courses.iter().map(|course| course.id).collect();
    let all = call.moodle.courses.iter();
    Ok(match field {
        "" => all.map(|course| course.id).collect(),
        "id" => vec![number()?],
        "ids" => by_ids(call, value)?,
        "shortname" => ids(call.moodle.courses_by_shortname(value)),
        "idnumber" => ids(call.moodle.courses_by_idnumber(value)),
        "category" => {
            let category = number()?;
            ids(all.filter(|course| course.category == category).collect())
        }
        "sectionid" if call.moodle.site.release >= Release::V4_5 => Vec::new(),
        _ => return Err(Exception::parameter(format!("Invalid field name: {field}"))),
    })
}

/// One unknown id among several is a PHP error, and the whole call is lost.
fn by_ids(call: &Call<'_>, value: &str) -> Result<Vec<i64>, Exception> {
    let mut ids = Vec::new();
    for text in value.split(',') {
        let id: i64 = text.trim().parse().map_err(|_| Exception::parameter(format!("ids: {value}")))?;
        if call.moodle.courses.get(id).is_none() {
            return Err(Exception::php("Attempt to assign property \"category\" on false"));
        }
        ids.push(id);
    }
    Ok(ids)
}

fn shown(call: &Call<'_>, course: &Course) -> Value {
    let text = |stored: &str| clean(stored, call.raw);
    let enabled = call.moodle.instances_of(course.id).into_iter();
    let methods: Vec<&str> = enabled.filter(|method| method.enabled).map(|method| method.enrol.as_str()).collect();
    let mut shown = json!({
        "id": course.id, "fullname": text(&course.fullname), "shortname": text(&course.shortname),
        "displayname": text(&course.fullname), "courseimage": "", "categoryid": course.category,
        "categoryname": "Category 1", "sortorder": 10_000 + course.id, "summary": "",
        "summaryformat": 1, "summaryfiles": [], "overviewfiles": [], "showactivitydates": true,
        "showcompletionconditions": true, "contacts": [], "enrollmentmethods": methods,
    });
    if let Some(field) = custom_fields(call, course) {
        shown["customfields"] = json!([field]);
    }
    if call.may_open(course.id) {
        for (name, value) in opened(course) {
            shown[name] = value;
        }
    }
    if call.may("moodle/course:update") {
        shown["idnumber"] = json!(course.idnumber);
        shown["timecreated"] = json!(course.timecreated);
        shown["timemodified"] = json!(course.timemodified);
    }
    shown
}

fn opened(course: &Course) -> [(&'static str, Value); 8] {
    [
        ("visible", json!(i32::from(course.visible))),
        ("enablecompletion", json!(i32::from(course.enablecompletion))),
        ("startdate", json!(0)),
        ("enddate", json!(0)),
        ("format", json!("topics")),
        ("lang", json!("")),
        ("filters", json!([])),
        ("courseformatoptions", json!([])),
    ]
}

/// The opt-in checkbox, if the caller may see it.
fn custom_fields(call: &Call<'_>, course: &Course) -> Option<Value> {
    let field = &call.moodle.opt_in_field;
    let visible = match field.visibility {
        Visibility::Nobody => false,
        Visibility::Teachers => call.may("moodle/course:update"),
        Visibility::Everyone => true,
    };
    if !field.exists || !visible || course.id == FRONT_PAGE_ID {
        return None;
    }
    let checked = course.opt_in.unwrap_or(field.checked_by_default);
    Some(json!({
        "name": "Completion opt in", "shortname": field.shortname, "type": "checkbox",
        "valueraw": i32::from(checked), "value": if checked { "Yes" } else { "No" },
    }))
}

/// Names leave Moodle without tags and with HTML escapes, unless the raw text was asked for.
pub(super) fn clean(stored: &str, raw: bool) -> String {
    if raw {
        return stored.to_owned();
    }
    let mut plain = String::with_capacity(stored.len());
    let mut rest = stored;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else {
            break;
        };
        plain.push_str(&rest[..start]);
        rest = &rest[start + length + 1..];
    }
    plain.push_str(rest);
    escape(&plain)
}

#[derive(Deserialize)]
struct Listed {
    options: Options,
}

#[derive(Deserialize)]
struct Options {
    ids: Option<Vec<i64>>,
}

fn listed(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let Listed { options } = args(value)?;
    let all = || call.moodle.courses.iter().map(|course| course.id).collect();
    let ids: Vec<i64> = options.ids.unwrap_or_else(all);
    let courses = ids.iter().filter_map(|id| call.moodle.courses.get(*id));
    let mut list = Vec::new();
    for course in courses {
        if !call.may_open(course.id) {
            let message = "You cannot access this course";
            return Err(Exception::moodle("errorcoursecontextnotvalid", message));
        }
        call.require("moodle/course:view")?;
        list.push(listed_course(call, course));
    }
    Ok(Value::Array(list))
}

fn listed_course(call: &Call<'_>, course: &Course) -> Value {
    let text = |stored: &str| clean(stored, call.raw);
    let mut shown = json!({
        "id": course.id, "shortname": text(&course.shortname), "categoryid": course.category,
        "fullname": text(&course.fullname), "displayname": text(&course.fullname),
        "summary": "", "summaryformat": 1, "format": "topics", "startdate": 0, "enddate": 0,
    });
    if let Some(field) = custom_fields(call, course) {
        shown["customfields"] = json!([field]);
    }
    if call.may("moodle/course:update") {
        shown["idnumber"] = json!(course.idnumber);
        shown["visible"] = json!(i32::from(course.visible));
        shown["enablecompletion"] = json!(i32::from(course.enablecompletion));
        shown["timecreated"] = json!(course.timecreated);
        shown["timemodified"] = json!(course.timemodified);
    }
    shown
}

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

fn create(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let Create { courses } = args(value)?;
    let mut created = Vec::with_capacity(courses.len());
    for new in courses {
        if !call.moodle.categories.contains_key(&new.categoryid) {
            return Err(Exception::parameter(format!("category {}", new.categoryid)));
        }
        call.require("moodle/course:create")?;
        let idnumber = new.idnumber.unwrap_or_default();
        // Only code keeps these two unique: duplicates can exist all the same.
        if !call.moodle.courses_by_shortname(&new.shortname).is_empty() {
            return Err(Exception::moodle("shortnametaken", "Short name is already used for another course"));
        }
        if !idnumber.is_empty() && !call.moodle.courses_by_idnumber(&idnumber).is_empty() {
            return Err(Exception::moodle("courseidnumbertaken", "ID number is already used for another course"));
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
fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
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
