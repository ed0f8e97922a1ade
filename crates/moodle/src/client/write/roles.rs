//! Role assignments.
//!
//! It must never run two equal calls at a time: Moodle then keeps double rows. No function reads assignments back, so
//! the journal's own record is all there is. Next: `courses.rs`.

use super::super::error::MoodleError;
use super::super::form::Form;
use super::super::function::Function;
use super::MoodleWriter;
use rollbook_core::model::{MoodleCourseId, MoodleUserId, RoleId};

/// Where a role holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleContext {
    /// The whole site.
    System,
    /// One course.
    Course(MoodleCourseId),
    /// One course category.
    Category(i64),
    /// A context by its own id (`context.id`).
    Context(i64),
}

/// One role of one person in one place: 3 or 4 form variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleAssignment {
    /// The role; the service account must be allowed to assign it there.
    pub role: RoleId,
    /// Who.
    pub user: MoodleUserId,
    /// Where.
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

pub(in super::super) fn fill_assignment(form: &mut Form, list: &str, index: usize, assignment: &RoleAssignment) {
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
