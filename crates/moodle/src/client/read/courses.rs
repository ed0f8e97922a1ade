//! Courses, who is enrolled in them, and how far someone got.
//!
//! It must never take the front page for a course somebody asked for: Moodle gives it for an empty idnumber.
//! Next: `cohorts.rs`.

use super::super::batch::read_halving;
use super::super::error::{CODE_NONE, MoodleError};
use super::super::form::Form;
use super::super::function::Function;
use super::super::wire::{WireCompletion, WireCompletionAnswer, WireCourse, WireCourses, WireUser, WireUserCourse};
use super::MoodleReader;
use futures_util::future::try_join_all;
use rollbook_core::model::{ElmCourseId, MoodleCourseId, MoodleUserId};

/// What a lookup of courses by idnumber found.
#[derive(Clone, Debug, PartialEq)]
pub struct CoursesFound {
    /// The idnumber asked for. The courses need not say it themselves (it takes `moodle/course:update`), and the
    /// database compares loosely: where they do say it, compare again.
    pub asked: ElmCourseId,
    /// None, one, or several: idnumbers are unique by code only.
    pub courses: Vec<WireCourse>,
}

/// Which enrolled people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichEnrolled {
    /// Every method, active or not; the answer does not tell which.
    All,
    /// Active now. Needs `moodle/course:enrolreview`.
    OnlyActive,
    /// Suspended, not begun yet, or ended. Needs `moodle/course:enrolreview`; Moodle 3.11 and later.
    OnlySuspended,
}

/// How much is asked of each enrolled person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichFields {
    /// The id (and, unasked, the full name): 0.5 ms a person.
    Id,
    /// What identifies a person, and the roles: about 1 ms a person.
    Identity,
    /// Everything: 1.9 ms a person.
    Everything,
}

impl MoodleReader {
    /// Finds courses by their idnumbers, one call each (Moodle takes no list here), several at a time; 27 ms a call.
    /// A blank idnumber gives no courses and no call. A course that the token may not see is silently absent.
    ///
    /// # Errors
    /// [`MoodleError`], for the whole lookup.
    pub async fn fetch_courses_by_idnumber(&self, idnumbers: &[ElmCourseId]) -> Result<Vec<CoursesFound>, MoodleError> {
        try_join_all(idnumbers.iter().map(|asked| async move {
            let courses = match asked.as_str().trim() {
                "" => Vec::new(),
                _ => self.fetch_courses_once("idnumber", asked.as_str(), 1).await?,
            };
            Ok(CoursesFound { asked: asked.clone(), courses })
        }))
        .await
    }

    /// Finds courses by id. Gives the courses, and the ids that Moodle does not know: one such id loses it the whole
    /// call, so that the list is halved around it.
    ///
    /// # Errors
    /// [`MoodleError`], for the whole lookup.
    pub async fn fetch_courses_by_id(
        &self,
        ids: &[MoodleCourseId],
    ) -> Result<(Vec<WireCourse>, Vec<MoodleCourseId>), MoodleError> {
        let chunk_len = self.client.items_max(Function::CoursesByField);
        let parts = ids.chunks(chunk_len).map(|chunk| {
            read_halving(chunk, is_unknown_id, |part| async move {
                let list: Vec<String> = part.iter().map(MoodleCourseId::to_string).collect();
                self.fetch_courses_once("ids", &list.join(","), part.len()).await
            })
        });
        let (mut courses, mut missing) = (Vec::new(), Vec::new());
        for (found, unknown) in try_join_all(parts).await? {
            courses.extend(found);
            missing.extend(unknown.into_iter().map(|(id, _)| *id));
        }
        Ok((courses, missing))
    }

    /// All courses that the token may see, the front page left out; about 4 ms and 1.4 KB a course.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_all_courses(&self) -> Result<Vec<WireCourse>, MoodleError> {
        let mut courses = self.fetch_courses_once("", "", 0).await?;
        courses.retain(|course| !course.is_front_page());
        Ok(courses)
    }

    /// The people enrolled in a course, by id, in one call: Moodle drops those whom the token may not view *after*
    /// counting off a page, so that neither a short nor an empty page would prove the end.
    ///
    /// # Errors
    /// [`MoodleError`]; `invalidrecord` for an unknown course, `nopermissions` without the capabilities above.
    pub async fn fetch_enrolled(
        &self,
        course: MoodleCourseId,
        which: WhichEnrolled,
        fields: WhichFields,
    ) -> Result<Vec<WireUser>, MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course);
        let mut options = vec![("sortby", "id")];
        match which {
            WhichEnrolled::All => {}
            WhichEnrolled::OnlyActive => options.push(("onlyactive", "1")),
            WhichEnrolled::OnlySuspended => options.push(("onlysuspended", "1")),
        }
        match fields {
            WhichFields::Id => options.push(("userfields", "id")),
            WhichFields::Identity => {
                options.push(("userfields", "id,username,firstname,lastname,email,idnumber,roles"));
            }
            WhichFields::Everything => {}
        }
        for (index, (name, value)) in options.into_iter().enumerate() {
            form.add_field("options", index, "name", name).add_field("options", index, "value", value);
        }
        self.client.read(Function::EnrolledUsers, 1, &form).await
    }

    /// The courses in which someone is actively enrolled, which that person may see, and which the token may open; empty for
    /// an unknown account. A course hidden from learners is missing here, however much the token may see.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_users_courses(&self, user: MoodleUserId) -> Result<Vec<WireUserCourse>, MoodleError> {
        let mut form = Form::new();
        form.add("userid", user).add("returnusercount", "0");
        self.client.read(Function::UsersCourses, 1, &form).await
    }

    /// How far one person is in one course, about 20 ms.
    ///
    /// # Errors
    /// [`MoodleError::Refused`] with `usernotenroled` (also for a suspended enrolment), `nocriteriaset`,
    /// `cannotviewreport`, `userdeleted`, `invaliduser`; the other failures as ever.
    pub async fn fetch_completion(
        &self,
        course: MoodleCourseId,
        user: MoodleUserId,
    ) -> Result<WireCompletion, MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course).add("userid", user);
        let answer: WireCompletionAnswer = self.client.read(Function::CompletionStatus, 1, &form).await?;
        Ok(answer.completionstatus)
    }

    async fn fetch_courses_once(&self, field: &str, value: &str, items: usize) -> Result<Vec<WireCourse>, MoodleError> {
        let mut form = Form::new();
        form.add("field", field).add("value", value);
        let answer: WireCourses = self.client.read(Function::CoursesByField, items, &form).await?;
        Ok(answer.courses)
    }
}

/// Moodle answers an unknown id in a list with a PHP error, which has no code.
fn is_unknown_id(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Refused { code, .. } if code == CODE_NONE || code == "invalidrecord")
}
