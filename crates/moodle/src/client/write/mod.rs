//! The writing half. Each function makes exactly one call, takes at most `client.items_max(…)` items, and none for none.
//!
//! It must never repeat a call and never split a batch: that is `apply`'s choice, for which
//! [`super::batch::send_halving`] is made. Unless a function says otherwise, Moodle does all of a call or, when it
//! refuses, nothing. Next: one file a noun.

mod cohorts;
mod courses;
mod enrolments;
mod roles;
mod users;

pub use cohorts::{CohortContext, CohortUpdate, MemberOutcome, Membership, NewCohort};
pub use courses::NewCourse;
pub use enrolments::{Enrolment, EnrolmentState, Unenrolment};
pub use roles::{RoleAssignment, RoleContext};
pub use users::{NewUser, UserUpdate, UserUpdateOutcome};

pub(super) use cohorts::fill_context;
pub(super) use roles::fill_assignment;

use super::call::MoodleClient;
use super::error::MoodleError;
use super::form::Form;
use super::function::Function;

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
