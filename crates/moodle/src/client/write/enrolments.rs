//! Manual enrolments: make active, suspend, remove.
//!
//! It must never send what is so already: Moodle 4.5 mails a welcome on every call, and an enrolment without dates wipes
//! the dates that stand. Suspending someone who is not enrolled makes a suspended enrolment. Read first.
//! Next: `cohorts.rs`.

use super::super::error::MoodleError;
use super::super::function::Function;
use super::MoodleWriter;
use rollbook_core::model::{MoodleCourseId, MoodleUserId, RoleId};

/// In what state an enrolment is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentState {
    /// May enter the course.
    Active,
    /// Keeps role, groups and results, may not enter.
    Suspended,
}

/// An enrolment to be made or changed: 3 to 6 form variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Sent first: if PHP cut the batch short in this item, a suspension would otherwise become an activation.
    pub state: EnrolmentState,
    /// No function tells a course's default role; another than the present one is added to it.
    pub role: RoleId,
    /// Who.
    pub user: MoodleUserId,
    /// Where; it needs an enabled manual enrolment method.
    pub course: MoodleCourseId,
    /// Unix seconds; `None` wipes a start date that stands.
    pub time_start: Option<i64>,
    /// Unix seconds; `None` wipes an end date that stands.
    pub time_end: Option<i64>,
}

/// An enrolment to be removed: 2 form variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unenrolment {
    /// Who.
    pub user: MoodleUserId,
    /// Where.
    pub course: MoodleCourseId,
}

impl MoodleWriter {
    /// Makes or changes manual enrolments, all or none; about 4 ms each. A repeat changes nothing but may mail again.
    ///
    /// # Errors
    /// [`MoodleError`]; refused with `wsusercannotassign` (role), `wsnoinstance` (no enabled manual method; at debug
    /// levels Moodle 4.4 answers HTTP 500 instead, which comes as `Unavailable`), `requireloginerror`,
    /// `codingerror`/`invaliduser`/`userdeleted`/`usernotconfirmed` (user), `invalidparameter` (course).
    pub async fn enrol(&self, enrolments: &[Enrolment]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::Enrol, enrolments, |form, index, enrolment| {
            let Enrolment { state, role, user, course, time_start, time_end } = enrolment;
            match state {
                EnrolmentState::Active => {}
                EnrolmentState::Suspended => {
                    form.add_field("enrolments", index, "suspend", "1");
                }
            }
            form.add_field("enrolments", index, "roleid", role)
                .add_field("enrolments", index, "userid", user)
                .add_field("enrolments", index, "courseid", course);
            form.add_optional("enrolments", index, "timestart", *time_start);
            form.add_optional("enrolments", index, "timeend", *time_end);
        })
        .await
    }

    /// Removes manual enrolments with the grades, groups and roles that hang on them, all or none; about 6 ms each.
    /// Not enrolled is no error. `roleid` is never sent: newer versions refuse it.
    ///
    /// # Errors
    /// [`MoodleError`]; `invalidparameter` (unknown user), `invalidrecord` (unknown course).
    pub async fn unenrol(&self, enrolments: &[Unenrolment]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::Unenrol, enrolments, |form, index, Unenrolment { user, course }| {
            form.add_field("enrolments", index, "userid", user).add_field("enrolments", index, "courseid", course);
        })
        .await
    }
}
