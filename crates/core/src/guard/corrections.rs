//! Nobody on the protected list is corrected, whoever asks; nor the account that Rollbook itself signs in with.

use super::Finding;
use crate::model::{FeedRecord, MoodleUserId};
use crate::plan::CorrectionPlan;
use crate::policy::Protected;

/// Every check of a correction.
pub fn check_correction(
    plan: &CorrectionPlan,
    record: &FeedRecord,
    protected: &Protected,
    service_account: MoodleUserId,
) -> Vec<Finding> {
    let CorrectionPlan { account, changes, .. } = plan;
    let subject = || changes.first().map_or_else(String::new, ToString::to_string);
    let entry = protected.entry_for(record, Some(account)).filter(|_| !changes.is_empty());
    let listed = entry.map(|entry| {
        let message = format!("somebody who is protected by the entry \"{entry}\" would be touched");
        Finding::block("protected", subject(), message)
    });
    let own = (account.id == service_account && !changes.is_empty())
        .then(|| Finding::block("protected", subject(), "Rollbook's own account would be touched"));
    listed.into_iter().chain(own).collect()
}
