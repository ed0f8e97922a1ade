//! Probes: harmless questions whose refusals tell what the token may do and how many variables PHP reads.
//!
//! It must never change the site: every write that is tried here is one that Moodle refuses whatever the rights are,
//! and Moodle checks rights before it refuses. Next: `users.rs`.

use super::super::error::{CODE_VARIABLES_DROPPED, MoodleError};
use super::super::form::Form;
use super::super::function::Function;
use super::super::wire::WireUser;
use super::super::write::{self, RoleAssignment, fill_assignment, fill_context};
use super::MoodleReader;
use rollbook_core::model::{CohortContext, MoodleCourseId, MoodleUserId, RoleContext, RoleId};

/// No Moodle has given out so high a user id.
const NOBODY: MoodleUserId = MoodleUserId(2_000_000_011);
/// Nor so high an id of a group.
const NO_GROUP: &str = "2000000011";
/// Moodle knows the text formats 0, 1, 2 and 4, and looks after the capability and before the table.
const NO_FORMAT: u8 = 99;

impl MoodleReader {
    /// Whether PHP reads `variables` form variables and more: a known user name is asked for as the last of so many
    /// values, the others being nobody's.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn reads_variables(&self, variables: usize, username: &str) -> Result<bool, MoodleError> {
        let mut form = Form::new();
        form.add("field", "username");
        let leading = variables.saturating_sub(super::super::form::FIXED_LEAVES + 2);
        for index in 0..leading {
            form.add_value("values", index, "nobody.probes.here");
        }
        form.add_value("values", leading, username);
        let found: Result<Vec<WireUser>, _> = self.client.read(Function::UsersByField, leading + 1, &form).await;
        match found {
            Err(error) if error.code() == Some(CODE_VARIABLES_DROPPED) => Ok(false),
            found => Ok(!found?.is_empty()),
        }
    }

    /// Whether accounts could be made: one is tried whose user name is taken, which Moodle always refuses. `None` means
    /// yes; else the refusal, `nopermissions` without `moodle/user:create`.
    pub async fn probe_create_user(&self, taken_username: &str) -> Option<MoodleError> {
        let mut form = Form::new();
        for (name, value) in [
            ("username", taken_username),
            ("firstname", "Rollbook"),
            ("lastname", "Probe"),
            ("email", "probe@invalid"),
            ("auth", "oauth2"),
        ] {
            form.add_field("users", 0, name, value);
        }
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::CreateUsers, &form).await;
        tried.err().filter(|error| error.code() != Some("invalidparameter"))
    }

    /// Whether the token may list who is suspended in a course, also where its groups are separate: by naming a group that
    /// is not there. `None` means yes; else the refusal: `nopermissions` without `moodle/course:enrolreview` or
    /// `moodle/site:accessallgroups` (Moodle would show nobody, and no error), `requireloginerror` or
    /// `errorcoursecontextnotvalid` where it may not open the course.
    pub async fn probe_listing(&self, course: MoodleCourseId) -> Option<MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course);
        let options = [("onlysuspended", "1"), ("groupid", NO_GROUP), ("userfields", "id"), ("limitnumber", "1")];
        for (index, (name, value)) in options.into_iter().enumerate() {
            form.add_field("options", index, "name", name).add_field("options", index, "value", value);
        }
        let tried: Result<Vec<WireUser>, MoodleError> = self.client.read(Function::EnrolledUsers, 1, &form).await;
        tried.err()
    }

    /// Whether people could be enrolled in a course with a role: nobody is tried, whom Moodle always refuses. `None` means
    /// yes; else the refusal: `nopermissions` without `enrol/manual:enrol`, `wsusercannotassign` where the role may not be
    /// assigned, `wsnoinstance`, `requireloginerror`.
    pub async fn probe_enrol(&self, course: MoodleCourseId, role: RoleId) -> Option<MoodleError> {
        let mut form = Form::new();
        form.add_field("enrolments", 0, "roleid", role);
        form.add_field("enrolments", 0, "userid", NOBODY);
        form.add_field("enrolments", 0, "courseid", course);
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::Enrol, &form).await;
        let about_nobody = ["codingerror", "invaliduser", "userdeleted", "invalidrecord"];
        tried.err().filter(|error| !error.code().is_some_and(|code| about_nobody.contains(&code)))
    }

    /// Whether cohorts could be made in a context: one with a text format that no Moodle has is tried. `None` means yes; else
    /// the refusal, `nopermissions` without `moodle/cohort:manage`, `invalidparameter` where there is no such category.
    pub async fn probe_create_cohort(&self, context: CohortContext) -> Option<MoodleError> {
        let mut form = Form::new();
        let context = match context {
            CohortContext::System => write::CohortContext::System,
            CohortContext::Category(id) => write::CohortContext::Category(id.0),
        };
        fill_context(&mut form, 0, &context);
        form.add_field("cohorts", 0, "name", "Rollbook probe").add_field("cohorts", 0, "idnumber", "rollbook/probe");
        form.add_field("cohorts", 0, "descriptionformat", NO_FORMAT);
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::CreateCohorts, &form).await;
        tried.err().filter(|error| error.code() != Some("formatnotsupported"))
    }

    /// Whether a role could be given in a context: nobody is tried, whom Moodle always refuses. `None` means yes; else the
    /// refusal: `nopermissions` without `moodle/role:assign`, `invalidparameter` where the role may not be assigned.
    pub async fn probe_assign_role(&self, role: RoleId, context: RoleContext) -> Option<MoodleError> {
        let mut form = Form::new();
        let context = match context {
            RoleContext::System => write::RoleContext::System,
            RoleContext::Category(id) => write::RoleContext::Category(id.0),
            RoleContext::Course(course) => write::RoleContext::Course(course),
        };
        fill_assignment(&mut form, "assignments", 0, &RoleAssignment { role, user: NOBODY, context });
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::AssignRoles, &form).await;
        let about_nobody = ["codingerror", "invaliduser", "userdeleted", "invalidrecord"];
        tried.err().filter(|error| !error.code().is_some_and(|code| about_nobody.contains(&code)))
    }
}
