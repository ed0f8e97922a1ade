//! Courses, and how far someone got in them.
//!
//! It must never read translated text: a field's `valueraw`, not its `value`. Next: `cohorts.rs`.

use super::flag;
use rollbook_core::model::MoodleCourseId;
use serde::Deserialize;
use serde_json::Value;

/// A course, as `core_course_get_courses_by_field` gives it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCourse {
    /// Its id; 1 is the front page.
    pub id: MoodleCourseId,
    /// Its short name.
    #[serde(default)]
    pub shortname: String,
    /// Its full name, as stored.
    #[serde(default)]
    pub fullname: String,
    /// Absent without `moodle/course:update`, even when the course was found by it.
    #[serde(default)]
    pub idnumber: Option<String>,
    /// Absent when the token may not open the course.
    #[serde(default, deserialize_with = "flag")]
    pub visible: Option<bool>,
    /// Absent when the token may not open the course.
    #[serde(default, deserialize_with = "flag")]
    pub enablecompletion: Option<bool>,
    /// Its category.
    #[serde(default)]
    pub categoryid: Option<i64>,
    /// Enabled ways to enrol; without `manual` nobody can be enrolled.
    #[serde(default)]
    pub enrollmentmethods: Option<Vec<String>>,
    /// Absent when none is visible to the token.
    #[serde(default)]
    pub customfields: Option<Vec<WireCustomField>>,
}

impl WireCourse {
    /// Whether this is the front page, which Moodle lists among the courses.
    pub fn is_front_page(&self) -> bool {
        self.id.0 == 1
    }

    /// Whether someone can be enrolled by hand; `None` when Moodle did not say.
    pub fn takes_manual_enrolments(&self) -> Option<bool> {
        Some(self.enrollmentmethods.as_ref()?.iter().any(|method| method == "manual"))
    }

    /// The state of a checkbox field; `None` when the field is not shown or not a checkbox. `value` is translated
    /// text, so `valueraw` (Moodle 3.10 and later) is read.
    pub fn find_checkbox(&self, shortname: &str) -> Option<bool> {
        let field = self.customfields.as_ref()?.iter().find(|field| field.shortname == shortname)?;
        match (field.kind.as_str(), &field.valueraw) {
            ("checkbox", Value::Bool(on)) => Some(*on),
            ("checkbox", Value::Number(number)) => Some(number.as_i64() != Some(0)),
            ("checkbox", Value::String(text)) => Some(text == "1"),
            _ => None,
        }
    }
}

/// A custom field of a course.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCustomField {
    /// Its short name.
    pub shortname: String,
    /// `checkbox`, `text`, `select`…
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The stored value.
    #[serde(default)]
    pub valueraw: Value,
}

/// `{courses, warnings}`
#[derive(Deserialize)]
pub(in crate::client) struct WireCourses {
    pub(in crate::client) courses: Vec<WireCourse>,
}

/// A course in which someone is actively enrolled, as `core_enrol_get_users_courses` gives it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireUserCourse {
    /// Its id.
    pub id: MoodleCourseId,
    /// Its short name.
    #[serde(default)]
    pub shortname: String,
    /// Always given by this function.
    #[serde(default)]
    pub idnumber: Option<String>,
    /// `None` without `report/completion:view`, or when the course does not track completion. No date is given.
    #[serde(default, deserialize_with = "flag")]
    pub completed: Option<bool>,
    /// Per cent; `None` as for `completed`.
    #[serde(default)]
    pub progress: Option<f64>,
}

/// `core_completion_get_course_completion_status`
#[derive(Deserialize)]
pub(in crate::client) struct WireCompletionAnswer {
    pub(in crate::client) completionstatus: WireCompletion,
}

/// How far someone is in a course. No overall date: the latest criterion's is the best there is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCompletion {
    /// Whether the course is complete; false until Moodle's cron has summed up.
    #[serde(default, deserialize_with = "flag")]
    pub completed: Option<bool>,
    /// Whether every criterion is needed (1) or any is enough (2).
    #[serde(default)]
    pub aggregation: Option<i64>,
    /// The criteria.
    #[serde(default)]
    pub completions: Vec<WireCriterion>,
}

/// One criterion of a course's completion.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCriterion {
    /// 1 self, 2 date, 3 unenrol, 4 activity, 5 duration, 6 grade, 7 role, 8 course.
    #[serde(default, rename = "type")]
    pub kind: i64,
    /// Whether it is met.
    #[serde(default, deserialize_with = "flag")]
    pub complete: Option<bool>,
    /// When it was met, Unix seconds.
    #[serde(default)]
    pub timecompleted: Option<i64>,
}
