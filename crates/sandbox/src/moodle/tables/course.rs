//! Courses, the custom field by which a course opts in to completion reports, and who has completed it.

use std::collections::HashMap;

use super::table::fold;
use super::{Pairs, Row};

/// A row of the course table, with its opt-in value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Row id; 1 is the front page.
    pub id: i64,
    /// The HR system's course number; not necessarily unique.
    pub idnumber: String,
    /// Short name, unique.
    pub shortname: String,
    /// Full name, as typed.
    pub fullname: String,
    /// Category id.
    pub category: i64,
    /// Not hidden.
    pub visible: bool,
    /// Completion tracking is on in this course.
    pub enablecompletion: bool,
    /// Separate groups: who is in none of them sees nobody, and nobody is in one here.
    pub separate_groups: bool,
    /// At least one completion criterion is set.
    pub has_criteria: bool,
    /// One of the criteria is self completion.
    pub self_completion: bool,
    /// Saved value of the opt-in field; `None` when the form was never saved since the field exists.
    pub opt_in: Option<bool>,
    /// Unix time in seconds.
    pub timecreated: i64,
    /// Unix time in seconds.
    pub timemodified: i64,
}

impl Course {
    /// A visible course with completion switched on.
    pub fn new(idnumber: &str, fullname: &str) -> Self {
        Self {
            id: 0,
            idnumber: idnumber.to_owned(),
            shortname: format!("ITEM-{idnumber}"),
            fullname: fullname.to_owned(),
            category: 1,
            visible: true,
            enablecompletion: true,
            separate_groups: false,
            has_criteria: true,
            self_completion: false,
            opt_in: None,
            timecreated: 0,
            timemodified: 0,
        }
    }
}

/// Indexes of the course table, by folded text.
#[derive(Clone, Debug, Default)]
pub struct CourseIndex {
    pub(crate) idnumber: Pairs<String>,
    pub(crate) shortname: Pairs<String>,
}

impl Row for Course {
    type Index = CourseIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut CourseIndex) {
        index.idnumber.enter(fold(&self.idnumber), self.id);
        index.shortname.enter(fold(&self.shortname), self.id);
    }

    fn leave(&self, index: &mut CourseIndex) {
        index.idnumber.leave(fold(&self.idnumber), self.id);
        index.shortname.leave(fold(&self.shortname), self.id);
    }
}

/// Who sees a custom field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Nobody, administrators included.
    Nobody,
    /// Those who may edit the course.
    Teachers,
    /// Everybody.
    Everyone,
}

/// The checkbox field `completion_opt_in`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptInField {
    /// The field was defined at all.
    pub exists: bool,
    /// Its short name.
    pub shortname: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// The value of courses that never saved one.
    pub checked_by_default: bool,
    /// The field's category is shared with other components (Moodle 5.1): the table then holds values of theirs
    /// under the same field and the same numbers.
    pub shared: bool,
}

impl Default for OptInField {
    fn default() -> Self {
        Self {
            exists: true,
            shortname: "completion_opt_in".to_owned(),
            visibility: Visibility::Everyone,
            checked_by_default: false,
            shared: false,
        }
    }
}

/// A row of course_completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Row id; its order is not the order of completion.
    pub id: i64,
    /// The learner.
    pub user_id: i64,
    /// The course.
    pub course_id: i64,
    /// Unix time in seconds; `None` while not complete.
    pub timecompleted: Option<i64>,
    /// Unix time in seconds at which a finished criterion was queued for the next cron; 0 when nothing waits.
    pub reaggregate: i64,
}

/// Index of course_completions: the unique key (account, course).
#[derive(Clone, Debug, Default)]
pub struct CompletionIndex {
    pub(crate) pair: HashMap<(i64, i64), i64>,
}

impl Row for Completion {
    type Index = CompletionIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut CompletionIndex) {
        index.pair.insert((self.user_id, self.course_id), self.id);
    }

    fn leave(&self, index: &mut CompletionIndex) {
        index.pair.remove(&(self.user_id, self.course_id));
    }
}
