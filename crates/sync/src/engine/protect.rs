//! Whom no flow ever touches: the guest account, the account of the token, and the site's administrators.

use rollbook_core::model::MoodleUserId;
use rollbook_core::policy::Protected;
use rollbook_moodle::snapshot::read_administrators;
use rollbook_remote::database::{Database, DatabaseError};

/// Every Moodle gives its guest account this id.
const GUEST: MoodleUserId = MoodleUserId(1);
/// Every Moodle gives its first administrator this id. Web services do not say who the others are.
pub(crate) const FIRST_ADMINISTRATOR: MoodleUserId = MoodleUserId(2);

/// The configured list, with those whom only the site knows: by its database all administrators, without one the first.
///
/// # Errors
/// [`DatabaseError`]
pub(crate) async fn protect(
    configured: &Protected,
    service_account: MoodleUserId,
    database: Option<&Database>,
) -> Result<Protected, DatabaseError> {
    let mut protected = configured.clone();
    protected.add_accounts([GUEST, FIRST_ADMINISTRATOR, service_account]);
    if let Some(database) = database {
        protected.add_accounts(read_administrators(database).await?);
    }
    Ok(protected)
}
