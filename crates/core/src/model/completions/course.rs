//! A course, and whether its completions are wanted.

use crate::model::{ElmCourseId, MoodleCourseId};
use serde::{Deserialize, Serialize};

/// What a course's custom field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptIn {
    /// Its completions are reported.
    In,
    /// They are not.
    Out,
    /// The field is not shown to the account that asks: nothing is known.
    Hidden,
}

/// A course as the question of opting in sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptInCourse {
    /// `course.id`
    pub id: MoodleCourseId,
    /// `course.idnumber`; `None` where the course has none.
    pub elm_id: Option<ElmCourseId>,
    /// `course.fullname`, as stored.
    pub full_name: String,
    /// What the field says.
    pub opt_in: OptIn,
}
