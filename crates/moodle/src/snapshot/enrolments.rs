//! How people stand in courses. Web services tell it two ways: whom a course has (cost grows with the course), or which
//! courses a person is active in (cost grows with the people asked about). The cheaper one is taken for each course.

use super::courses::fetch_hidden;
use super::{MoodleSourceError, failed};
use crate::client::read::{WhichEnrolled, WhichFields};
use crate::client::{MoodleError, MoodleReader};
use futures_util::future::{join_all, try_join_all};
use rollbook_core::model::{Enrolment, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::Enrolments;
use std::collections::{BTreeMap, BTreeSet};

/// From so many people on a course's pairs are read off two listings, at 0.5 ms for each of its participants; below, person
/// by person, at about 20 ms each.
pub const LISTED_FROM: usize = 5;

/// Looks up how each pair stands; gives also how many are active in each course that was listed. Courses about which
/// `listed_from` people or more are asked are listed.
///
/// Moodle answers who may not look that nobody is there, so each course must first show that it can be looked into. One
/// that does not is left out, with its pairs: it must not keep the others waiting.
///
/// # Errors
/// [`MoodleSourceError::InsufficientPermissions`] where the token may not look into any; [`MoodleSourceError::Call`]. Nothing is known then.
pub async fn collect_enrolments(
    reader: &MoodleReader,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
    listed_from: usize,
) -> Result<(Enrolments, BTreeMap<MoodleCourseId, u64>), MoodleSourceError> {
    let mut by_course = BTreeMap::<MoodleCourseId, Vec<MoodleUserId>>::new();
    for (user, course) in pairs {
        by_course.entry(*course).or_default().push(*user);
    }
    let asked = by_course.len();
    let few = |users: &[MoodleUserId]| users.len() < listed_from;
    let fewer: Vec<_> = by_course.iter().filter(|(_, users)| few(users)).map(|(course, _)| *course).collect();
    // A person's own list lacks the courses that are hidden from the person, so there only a listing tells the truth.
    let hidden = fetch_hidden(reader, &fewer).await?;
    let (small, large): (Vec<_>, Vec<_>) =
        by_course.into_iter().partition(|(course, users)| few(users) && !hidden.contains(course));
    // A listing shows nobody where groups are separate and the token may not see them; one course tells for all.
    let probed = small.iter().chain(large.iter().take(usize::from(small.is_empty())));
    let shown = join_all(probed.map(|(course, _)| async { (*course, reader.probe_listing(*course).await) }));
    let listings =
        join_all(large.iter().map(|(course, users)| async { (*course, by_listing(reader, *course, users).await) }));
    let (shown, listings) = tokio::join!(shown, listings);
    let mut refusals = BTreeMap::new();
    let mut active = BTreeMap::new();
    let mut enrolments = Enrolments::new();
    for (course, listing) in listings {
        match listing {
            Ok((count, entries)) => {
                active.insert(course, count);
                enrolments.extend(entries);
            }
            Err(error) => drop(refusals.insert(course, error)),
        }
    }
    refusals.extend(shown.into_iter().filter_map(|(course, error)| Some((course, error?))));
    let out = leave_out(refusals, asked)?;
    let mut wanted = BTreeMap::<MoodleUserId, Vec<MoodleCourseId>>::new();
    for (course, users) in small.into_iter().filter(|(course, _)| !out.contains(course)) {
        users.into_iter().for_each(|user| wanted.entry(user).or_default().push(course));
    }
    let people = try_join_all(wanted.iter().map(|(user, courses)| by_person(reader, *user, courses))).await?;
    enrolments.extend(people.into_iter().flatten());
    Ok((enrolments, active))
}

/// The courses that cannot be looked into, unless that is the token's fault, or the site's.
fn leave_out(
    refusals: BTreeMap<MoodleCourseId, MoodleError>,
    asked: usize,
) -> Result<BTreeSet<MoodleCourseId>, MoodleSourceError> {
    let all = refusals.len() == asked;
    let mut out = BTreeSet::new();
    for (course, error) in refusals {
        let blind = |mend: &str| MoodleSourceError::InsufficientPermissions {
            what: format!("who is in course {course} is not shown: {error}"),
            mend: mend.to_owned(),
        };
        match error.code() {
            Some("nopermissions") => return Err(blind(LOOKS)),
            Some("requireloginerror" | "errorcoursecontextnotvalid") if all => {
                return Err(blind("moodle/course:view and moodle/course:viewhiddencourses"));
            }
            _ if matches!(error, MoodleError::Refused { .. }) => out.insert(course),
            _ => return Err(failed("looking up who is in a course")(error)),
        };
    }
    Ok(out)
}

/// What lets a token see who is in a course; Moodle's words say which is missing.
pub const LOOKS: &str = "moodle/course:enrolreview and moodle/site:accessallgroups";

type Entries = Vec<((MoodleUserId, MoodleCourseId), Enrolment)>;

async fn by_person(
    reader: &MoodleReader,
    user: MoodleUserId,
    courses: &[MoodleCourseId],
) -> Result<Entries, MoodleSourceError> {
    let active = reader.fetch_users_courses(user).await.map_err(failed("looking up a person's courses"))?;
    let active: BTreeSet<_> = active.into_iter().map(|course| course.id).collect();
    let stands = |course| if active.contains(course) { Enrolment::Active } else { Enrolment::NotActive };
    Ok(courses.iter().map(|course| ((user, *course), stands(course))).collect())
}

async fn by_listing(
    reader: &MoodleReader,
    course: MoodleCourseId,
    users: &[MoodleUserId],
) -> Result<(u64, Entries), MoodleError> {
    let list = |which| async move {
        let people = reader.fetch_enrolled(course, which, WhichFields::Id).await?;
        Ok::<_, MoodleError>(people.into_iter().map(|user| user.id).collect::<BTreeSet<_>>())
    };
    let (active, suspended) = tokio::try_join!(list(WhichEnrolled::OnlyActive), list(WhichEnrolled::OnlySuspended))?;
    let stands = |user: &MoodleUserId| {
        if active.contains(user) {
            Enrolment::Active
        } else if suspended.contains(user) {
            Enrolment::Suspended
        } else {
            Enrolment::Absent
        }
    };
    let entries = users.iter().map(|user| ((*user, course), stands(user))).collect();
    Ok((active.len() as u64, entries))
}
