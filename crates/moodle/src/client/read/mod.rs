//! The reading half: what can be asked of a Moodle without changing it.
//!
//! It must never call a writing function, and never turn "not shown to this account" into "does not exist": Moodle
//! answers both with an empty list, so that callers prove their sight with a known account first.
//! Next: `users`, `courses`, `cohorts`, one file a noun; [`super::wire`] for the answers.

mod cohorts;
mod courses;
mod probe;
mod users;

pub use cohorts::{CohortMembersFound, CohortScope};
pub use courses::{CoursesFound, WhichEnrolled, WhichFields};
pub use users::{UserField, UsersFound};

use super::call::MoodleClient;
use super::error::MoodleError;
use super::form::Form;
use super::function::Function;
use super::wire::WireSiteInfo;

/// The half of a client that cannot change the site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MoodleReader {
    client: MoodleClient,
}

impl MoodleReader {
    pub(super) fn new(client: MoodleClient) -> Self {
        Self { client }
    }

    /// The client, for counts and limits.
    pub fn client(&self) -> &MoodleClient {
        &self.client
    }

    /// What the site says of itself, of the token's account and of what the token may call.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_site_info(&self) -> Result<WireSiteInfo, MoodleError> {
        self.client.read(Function::SiteInfo, 0, &Form::new()).await
    }
}

/// Refusals by which one bad item spoils a whole read: a stored value outside today's rules (`invalidresponse`), a
/// searched value that is not clean (`invalidparameter`), an unknown id (`invalidrecord`, or a PHP error without code).
fn is_poison(error: &MoodleError) -> bool {
    const CODES: &[&str] = &["invalidresponse", "invalidparameter", "invalidrecord", super::error::CODE_NONE];
    matches!(error, MoodleError::Refused { code, .. } if CODES.contains(&code.as_str()))
}
