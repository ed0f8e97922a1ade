//! What Moodle holds: accounts, courses, enrolments.

use super::{ElmCourseId, MoodleCourseId, MoodleUserId, RoleId};
use serde::{Deserialize, Serialize};

/// A Moodle account as a token with full sight sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `user.id`
    pub id: MoodleUserId,
    /// `user.username`, lower case on a healthy site.
    pub username: String,
    /// `user.email`; not unique where the site allows it.
    pub mail: String,
    /// `user.idnumber`; Moodle does not keep it unique.
    pub guid: String,
    pub first_name: String,
    pub last_name: String,
    /// Suspended for the whole site.
    pub suspended: bool,
}

/// Whether people can be enrolled by hand in a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManualInstance {
    /// There is an enabled manual enrolment instance.
    Usable,
    /// There is none, or it is disabled.
    Missing,
}

/// A Moodle course with an `idnumber`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// `course.id`
    pub id: MoodleCourseId,
    /// `course.idnumber`; the text that was asked for, where Moodle does not show it (it takes `moodle/course:update`).
    pub elm_id: ElmCourseId,
    /// `course.fullname`, as stored.
    pub full_name: String,
    /// Whether the manual plugin can be used.
    pub manual: ManualInstance,
    /// The manual instance's default role, where the database told it.
    pub default_role: Option<RoleId>,
    /// How many are active in it, where that is known.
    pub active: Option<u64>,
}

/// How one person stands in one course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enrolment {
    /// Not in the course, by any method.
    Absent,
    /// In the course and active.
    Active,
    /// In the course, but suspended (or, over web services, not yet begun or ended).
    Suspended,
    /// Not active: absent or suspended, which of the two was not asked.
    NotActive,
}
