//! Courses, for the live suite only: Rollbook itself makes and deletes none.
//!
//! It must never be called by a flow. Next: [`super::super::read`].

use super::super::error::MoodleError;
use super::super::form::{Form, flag};
use super::super::function::Function;
use super::super::wire::{WireCreated, WireWarnings};
use super::MoodleWriter;
use rollbook_core::model::{ElmCourseId, MoodleCourseId};

/// A course to be made: 7 form variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCourse {
    /// Its full name.
    pub fullname: String,
    /// Its short name, unique (`shortnametaken`).
    pub shortname: String,
    /// Its category.
    pub category: i64,
    /// Its idnumber, unique (`courseidnumbertaken`).
    pub idnumber: ElmCourseId,
    /// Whether it tracks completion.
    pub completion: bool,
    /// Whether learners see it.
    pub visible: bool,
    /// Whether its groups are separate: who is in none of them sees nobody.
    pub separate_groups: bool,
}

impl MoodleWriter {
    /// Makes courses; gives their ids in the order asked.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn create_courses(&self, courses: &[NewCourse]) -> Result<Vec<MoodleCourseId>, MoodleError> {
        if courses.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, course) in courses.iter().enumerate() {
            let NewCourse { fullname, shortname, category, idnumber, completion, visible, separate_groups } = course;
            form.add_field("courses", index, "fullname", fullname)
                .add_field("courses", index, "shortname", shortname)
                .add_field("courses", index, "categoryid", category)
                .add_field("courses", index, "idnumber", idnumber)
                .add_field("courses", index, "enablecompletion", flag(*completion))
                .add_field("courses", index, "visible", flag(*visible))
                .add_field("courses", index, "groupmode", flag(*separate_groups));
        }
        let made: Vec<WireCreated> = self.client.write(Function::CreateCourses, courses.len(), &form).await?;
        Ok(made.into_iter().map(|course| MoodleCourseId(course.id)).collect())
    }

    /// Deletes courses with everything in them; gives the codes of its warnings, about courses that it left alone.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn delete_courses(&self, courses: &[MoodleCourseId]) -> Result<Vec<String>, MoodleError> {
        if courses.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, course) in courses.iter().enumerate() {
            form.add_value("courseids", index, course);
        }
        let answer: WireWarnings = self.client.write(Function::DeleteCourses, courses.len(), &form).await?;
        Ok(answer.warnings.into_iter().map(|warning| warning.warningcode).collect())
    }
}
