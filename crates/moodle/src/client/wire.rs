//! Moodle's answers, in Moodle's own names and spelling.
//!
//! It must never invent a value: a field that Moodle left out is `None`, which is not the same as empty — the account
//! may merely not be allowed to see it. Unknown fields are ignored. `Debug` shows ids, never people.
//! Next: [`super::read`] for what asks.

use rollbook_core::model::{CohortId, MoodleCourseId, MoodleUserId, RoleId};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// `core_webservice_get_site_info`
#[derive(Clone, Debug, Deserialize)]
pub struct WireSiteInfo {
    /// The site's own address; compare with the configured one.
    pub siteurl: String,
    #[serde(default)]
    pub sitename: String,
    pub userid: MoodleUserId,
    /// The token's account by name.
    #[serde(default)]
    pub username: String,
    /// Such as `4.4dev (Build: 20231124)`.
    #[serde(default)]
    pub release: String,
    /// Such as `2023112400`; see [`WireSiteInfo::version_number`].
    #[serde(default)]
    pub version: String,
    /// What the token's service offers and the site has.
    #[serde(default)]
    pub functions: Vec<WireFunction>,
    /// Whether the token's account is a site administrator; least privilege asks for no.
    #[serde(default, deserialize_with = "flag")]
    pub userissiteadmin: Option<bool>,
    /// What the whole site has switched on or off.
    #[serde(default)]
    pub advancedfeatures: Vec<WireFeature>,
}

/// One entry of [`WireSiteInfo::advancedfeatures`].
#[derive(Clone, Debug, Deserialize)]
pub struct WireFeature {
    /// Its name, such as `enablecompletion`.
    #[serde(default)]
    pub name: String,
    #[serde(default, deserialize_with = "flag")]
    pub value: Option<bool>,
}

/// One entry of [`WireSiteInfo::functions`].
#[derive(Clone, Debug, Deserialize)]
pub struct WireFunction {
    pub name: String,
}

impl WireSiteInfo {
    /// Whether the token may call `function`: it is in the service, and the site has it.
    pub fn offers(&self, function: super::Function) -> bool {
        self.functions.iter().any(|entry| entry.name == function.name())
    }

    /// Whether the site tracks completion at all; nothing where it does not say.
    pub fn tracks_completion(&self) -> Option<bool> {
        self.advancedfeatures.iter().find(|feature| feature.name == "enablecompletion")?.value
    }

    /// The digits before the dot of `version`, such as 2023112400 (Moodle 4.4); 0 when unreadable.
    pub fn version_number(&self) -> u64 {
        self.version.split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

/// A new account, course or the like: what create functions answer, in request order.
#[derive(Clone, PartialEq, Deserialize)]
pub(super) struct WireCreated {
    pub(super) id: i64,
    #[serde(default, alias = "shortname")]
    pub(super) username: String,
}

/// `{warnings}`; `null` from Moodle 3.11.
#[derive(Default, Deserialize)]
pub(super) struct WireWarnings {
    pub(super) warnings: Vec<WireWarning>,
}

/// What a function did not do, while it did the rest.
#[derive(Clone, PartialEq, Deserialize)]
pub(super) struct WireWarning {
    #[serde(default)]
    pub(super) itemid: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    pub(super) warningcode: String,
    #[serde(default)]
    pub(super) message: String,
}

/// A flag that Moodle gives as a boolean, a number or a text, depending on function and version.
fn flag<'de, D: Deserializer<'de>>(input: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Bool(on) => Some(on),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) if !text.is_empty() => Some(text != "0"),
        _ => None,
    })
}

/// A code that may come as a number.
fn text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

// Accounts, as far as Moodle shows them.
//
// It must never show a person in `Debug`. Next: `courses.rs`.

/// An account, as `core_user_get_users_by_field` and `core_enrol_get_enrolled_users` give it.
#[derive(Clone, PartialEq, Deserialize)]
pub struct WireUser {
    pub id: MoodleUserId,
    /// Absent without `moodle/user:viewalldetails`.
    #[serde(default)]
    pub username: Option<String>,
    /// Absent on 4.4 without `moodle/site:viewfullnames`.
    #[serde(default)]
    pub firstname: Option<String>,
    /// As `firstname`.
    #[serde(default)]
    pub lastname: Option<String>,
    #[serde(default)]
    pub fullname: Option<String>,
    /// Absent without `moodle/site:viewuseridentity`; of a deleted account a digest without `@`.
    #[serde(default)]
    pub email: Option<String>,
    /// Where the GUID stands. Moodle leaves an empty one out. Not unique.
    #[serde(default)]
    pub idnumber: Option<String>,
    /// How the account signs in: `oauth2`, `manual`, `nologin`…
    #[serde(default)]
    pub auth: Option<String>,
    /// Absent when the site hides it, and always of enrolled users.
    #[serde(default, deserialize_with = "flag")]
    pub suspended: Option<bool>,
    /// Absent without `moodle/user:viewalldetails`.
    #[serde(default, deserialize_with = "flag")]
    pub confirmed: Option<bool>,
    /// Roles in the course asked about; only of enrolled users.
    #[serde(default)]
    pub roles: Option<Vec<WireRole>>,
}

impl WireUser {
    /// Whether this is a deleted account, which Moodle returns by id like a live one: its address, if shown, has no
    /// `@`. With the address hidden this cannot be told, and the answer is no.
    pub fn looks_deleted(&self) -> bool {
        self.email.as_deref().is_some_and(|email| !email.is_empty() && !email.contains('@'))
    }
}

impl fmt::Debug for WireUser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WireUser({})", self.id)
    }
}

/// A role of an enrolled user, in the course's own context.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireRole {
    /// Its id on this site.
    pub roleid: RoleId,
    /// Its name on every site.
    #[serde(default)]
    pub shortname: String,
}

// Courses, and how far someone got in them.
//
// It must never read translated text: a field's `valueraw`, not its `value`. Next: `cohorts.rs`.

/// A course, as `core_course_get_courses_by_field` gives it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCourse {
    /// Its id; 1 is the front page.
    pub id: MoodleCourseId,
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
    pub shortname: String,
    /// `checkbox`, `text`, `select`…
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub valueraw: Value,
}

/// `{courses, warnings}`
#[derive(Deserialize)]
pub(super) struct WireCourses {
    pub(super) courses: Vec<WireCourse>,
}

/// A course in which someone is actively enrolled, as `core_enrol_get_users_courses` gives it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireUserCourse {
    pub id: MoodleCourseId,
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
pub(super) struct WireCompletionAnswer {
    pub(super) completionstatus: WireCompletion,
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
    #[serde(default)]
    pub completions: Vec<WireCriterion>,
}

/// One criterion of a course's completion.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCriterion {
    /// 1 self, 2 date, 3 unenrol, 4 activity, 5 duration, 6 grade, 7 role, 8 course.
    #[serde(default, rename = "type")]
    pub kind: i64,
    #[serde(default, deserialize_with = "flag")]
    pub complete: Option<bool>,
    /// When it was met, Unix seconds.
    #[serde(default)]
    pub timecompleted: Option<i64>,
}

// Cohorts and who is in them.
//
// It must never take an idnumber for an id: two cohorts may share one. Next: the parent module.

/// A cohort. Moodle does not say in which category it is, nor which plugin owns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCohort {
    pub id: CohortId,
    #[serde(default)]
    pub name: String,
    /// Its idnumber: not protected by an index, so that two cohorts may have the same.
    #[serde(default)]
    pub idnumber: String,
    /// Its description, HTML.
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    pub visible: Option<bool>,
}

/// `{cohorts}`
#[derive(Deserialize)]
pub(super) struct WireCohortList {
    pub(super) cohorts: Vec<WireCohort>,
}

/// The members of a cohort: also ids of deleted accounts that still stand in the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCohortMembers {
    pub cohortid: CohortId,
    pub userids: Vec<MoodleUserId>,
}
