//! The writing half. Each function makes exactly one call, takes at most `client.items_max(…)` items, and none for none.
//!
//! It must never repeat a call and never split a batch: that is `apply`'s choice, for which
//! [`super::batch::send_halving`] is made. Unless a function says otherwise, Moodle does all of a call or, when it
//! refuses, nothing. Next: one file a noun.

mod cohorts;
mod users;

use crate::client::call::MoodleClient;
use crate::client::call::{Form, flag};
use crate::client::error::MoodleError;
use crate::client::function::Function;
use crate::client::wire::{WireCreated, WireWarnings};
pub(super) use cohorts::fill_context;
pub use cohorts::{CohortContext, CohortUpdate, MemberOutcome, Membership, NewCohort};
use rollbook_core::model::{ElmCourseId, MoodleCourseId, MoodleUserId, RoleId};
pub use users::{NewUser, UserUpdate, UserUpdateOutcome};

/// The half of a client that can change the site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MoodleWriter {
    client: MoodleClient,
}

impl MoodleWriter {
    pub(super) fn new(client: MoodleClient) -> Self {
        Self { client }
    }

    /// The client, for limits and counts.
    pub fn client(&self) -> &MoodleClient {
        &self.client
    }

    /// A call that answers `null`. That proves the call, not each item: verify by reading.
    async fn write_unanswered<I>(
        &self,
        function: Function,
        items: &[I],
        fill: impl Fn(&mut Form, usize, &I),
    ) -> Result<Vec<()>, MoodleError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, item) in items.iter().enumerate() {
            fill(&mut form, index, item);
        }
        // Exactly `null`: any other JSON would come from something that stands before Moodle.
        let () = self.client.write(function, items.len(), &form).await?;
        Ok(vec![(); items.len()])
    }
}

// Manual enrolments: make active, suspend, remove.
//
// It must never send what is so already: Moodle 4.5 mails a welcome on every call, and an enrolment without dates wipes
// the dates that stand. Suspending someone who is not enrolled makes a suspended enrolment. Read first.
// Next: `cohorts.rs`.

/// In what state an enrolment is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentState {
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
    pub user: MoodleUserId,
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

// Role assignments.
//
// It must never run two equal calls at a time: Moodle then keeps double rows. No function reads assignments back, so
// the journal's own record is all there is. Next: `courses.rs`.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleContext {
    System,
    Course(MoodleCourseId),
    Category(i64),
    /// A context by its own id (`context.id`).
    Context(i64),
}

/// One role of one person in one place: 3 or 4 form variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleAssignment {
    /// The role; the service account must be allowed to assign it there.
    pub role: RoleId,
    pub user: MoodleUserId,
    pub context: RoleContext,
}

impl MoodleWriter {
    /// Assigns roles, all or none; about 3 ms each. A repeat changes nothing.
    ///
    /// # Errors
    /// [`MoodleError`]; `invalidparameter` (role not assignable there, unknown place), `codingerror` (user).
    pub async fn assign_roles(&self, assignments: &[RoleAssignment]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::AssignRoles, assignments, |form, index, assignment| {
            fill_assignment(form, "assignments", index, assignment);
        })
        .await
    }

    /// Takes roles back, all or none; about 3 ms each. Only assignments made by hand or by this service go; one that a
    /// plugin owns stays. A repeat changes nothing.
    ///
    /// # Errors
    /// As [`Self::assign_roles`].
    pub async fn unassign_roles(&self, assignments: &[RoleAssignment]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::UnassignRoles, assignments, |form, index, assignment| {
            fill_assignment(form, "unassignments", index, assignment);
        })
        .await
    }
}

pub(super) fn fill_assignment(form: &mut Form, list: &str, index: usize, assignment: &RoleAssignment) {
    let RoleAssignment { role, user, context } = assignment;
    form.add_field(list, index, "roleid", role).add_field(list, index, "userid", user);
    // The level is a word; a number such as 10 is refused.
    let (level, instance) = match context {
        RoleContext::Context(id) => {
            form.add_field(list, index, "contextid", id);
            return;
        }
        RoleContext::System => ("system", 0),
        RoleContext::Course(course) => ("course", course.0),
        RoleContext::Category(id) => ("coursecat", *id),
    };
    form.add_field(list, index, "contextlevel", level).add_field(list, index, "instanceid", instance);
}

// Courses, for the live suite only: Rollbook itself makes and deletes none.
//
// It must never be called by a flow. Next: [`super::super::read`].

/// A course to be made: 7 form variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCourse {
    pub fullname: String,
    /// Its short name, unique (`shortnametaken`).
    pub shortname: String,
    pub category: i64,
    /// Its idnumber, unique (`courseidnumbertaken`).
    pub idnumber: ElmCourseId,
    pub completion: bool,
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
