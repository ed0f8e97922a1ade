//! `core_course_get_courses_by_field` and `core_course_get_courses`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::{Refusal, escape};
use crate::moodle::{Course, FRONT_PAGE_ID, Release, Visibility};

#[derive(Deserialize)]
struct ByField {
    field: String,
    value: String,
}

pub(super) fn by_field(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
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

fn find(call: &Call<'_>, field: &str, value: &str) -> Result<Vec<i64>, Refusal> {
    let number = || {
        let parsed = value.parse::<i64>();
        parsed.map_err(|_| Refusal::parameter(format!("{field}: {value}")))
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
        _ => return Err(Refusal::parameter(format!("Invalid field name: {field}"))),
    })
}

/// One unknown id among several is a PHP error, and the whole call is lost.
fn by_ids(call: &Call<'_>, value: &str) -> Result<Vec<i64>, Refusal> {
    let mut ids = Vec::new();
    for text in value.split(',') {
        let id: i64 = text.trim().parse().map_err(|_| Refusal::parameter(format!("ids: {value}")))?;
        if call.moodle.courses.get(id).is_none() {
            return Err(Refusal::php("Attempt to assign property \"category\" on false"));
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
pub(crate) fn clean(stored: &str, raw: bool) -> String {
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

pub(super) fn listed(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Listed { options } = args(value)?;
    let all = || call.moodle.courses.iter().map(|course| course.id).collect();
    let ids: Vec<i64> = options.ids.unwrap_or_else(all);
    let courses = ids.iter().filter_map(|id| call.moodle.courses.get(*id));
    let mut list = Vec::new();
    for course in courses {
        if !call.may_open(course.id) {
            let message = "You cannot access this course";
            return Err(Refusal::moodle("errorcoursecontextnotvalid", message));
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
