//! Probes: harmless questions whose refusals tell what the token may do and how many variables PHP reads.
//!
//! It must never change the site: every write that is tried here is one that Moodle refuses whatever the rights are,
//! and Moodle checks rights before it refuses. Next: `users.rs`.

use super::super::error::MoodleError;
use super::super::form::Form;
use super::super::function::Function;
use super::super::wire::WireUser;
use super::MoodleReader;
use rollbook_core::model::{MoodleCourseId, MoodleUserId, RoleId};

/// No Moodle has given out so high a user id.
const NOBODY: MoodleUserId = MoodleUserId(2_000_000_011);

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
        let found: Vec<WireUser> = self.client.read(Function::UsersByField, leading + 1, &form).await?;
        Ok(!found.is_empty())
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

    /// Whether the token may list who is suspended in a course. `None` means yes; else the refusal: `nopermissions` without
    /// `moodle/course:enrolreview`, `requireloginerror` or `errorcoursecontextnotvalid` where it may not open the course.
    pub async fn probe_listing(&self, course: MoodleCourseId) -> Option<MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course);
        for (index, (name, value)) in
            [("onlysuspended", "1"), ("userfields", "id"), ("limitnumber", "1")].into_iter().enumerate()
        {
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
}
