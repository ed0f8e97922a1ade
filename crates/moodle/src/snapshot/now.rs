//! How one person stands in one course now, for people who ask.

use super::{LISTED_FROM, MoodleSourceError, collect_enrolments, courses::fetch_courses, find_by_guid};
use crate::client::MoodleReader;
use rollbook_core::model::{ElmCourseId, Enrolment, Guid};
use rollbook_core::report::NowInMoodle;
use std::collections::BTreeSet;

/// Asks Moodle how the person of a GUID stands in the course of an ELM id.
///
/// # Errors
/// [`MoodleSourceError`]
pub async fn look_now(
    reader: &MoodleReader,
    guid: &Guid,
    course: &ElmCourseId,
) -> Result<NowInMoodle, MoodleSourceError> {
    let directory = find_by_guid(reader, std::slice::from_ref(guid)).await?;
    let holders = directory.with_guid(&guid.folded()).unwrap_or_default();
    let account = match holders.as_slice() {
        [] => return Ok(NowInMoodle::NoAccount),
        [account] => account,
        several => return Ok(NowInMoodle::SeveralAccounts(several.iter().map(|account| account.id).collect())),
    };
    let courses = fetch_courses(reader, vec![course.clone()]).await?;
    let Some([found]) = courses.get(course).map(Vec::as_slice) else {
        return Ok(NowInMoodle::NoCourse);
    };
    let pair = (account.id, found.id);
    let (enrolments, _) = collect_enrolments(reader, &BTreeSet::from([pair]), LISTED_FROM).await?;
    let enrolment = enrolments.get(&pair).copied().unwrap_or(Enrolment::NotActive);
    Ok(NowInMoodle::Stands { account: account.id, enrolment, site_suspended: account.suspended })
}
