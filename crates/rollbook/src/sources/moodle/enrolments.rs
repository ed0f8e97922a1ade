//! How people stand in courses. Web services tell it two ways: whom a course has (cost grows with the course), or which
//! courses a person is active in (cost grows with the people asked about). The cheaper one is taken for each course.

use super::courses::fetch_hidden;
use super::{MoodleSourceError, failed};
use crate::clients::moodle::MoodleReader;
use crate::clients::moodle::read::{WhichEnrolled, WhichFields};
use futures_util::future::try_join_all;
use rollbook_core::model::{Enrolment, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::Enrolments;
use std::collections::{BTreeMap, BTreeSet};

/// Below so many people a course's pairs are asked person by person: about 20 ms each, against two listings of a course
/// at 0.5 ms for each of its participants.
const PEOPLE_ONE_BY_ONE_MAX: usize = 4;

/// Looks up how each pair stands; gives also how many are active in each course that was listed.
///
/// # Errors
/// [`MoodleSourceError`]; nothing is known then.
pub async fn collect_enrolments(
    reader: &MoodleReader,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
) -> Result<(Enrolments, BTreeMap<MoodleCourseId, u64>), MoodleSourceError> {
    let mut by_course = BTreeMap::<MoodleCourseId, Vec<MoodleUserId>>::new();
    for (user, course) in pairs {
        by_course.entry(*course).or_default().push(*user);
    }
    let few = |users: &[MoodleUserId]| users.len() <= PEOPLE_ONE_BY_ONE_MAX;
    let asked: Vec<_> = by_course.iter().filter(|(_, users)| few(users)).map(|(course, _)| *course).collect();
    // A person's own list lacks the courses that are hidden from the person, so there only a listing tells the truth.
    let hidden = fetch_hidden(reader, &asked).await?;
    let (small, large): (Vec<_>, Vec<_>) =
        by_course.into_iter().partition(|(course, users)| few(users) && !hidden.contains(course));
    let mut wanted = BTreeMap::<MoodleUserId, Vec<MoodleCourseId>>::new();
    for (course, users) in small {
        users.into_iter().for_each(|user| wanted.entry(user).or_default().push(course));
    }
    let people = try_join_all(wanted.iter().map(|(user, courses)| by_person(reader, *user, courses)));
    let listings = try_join_all(large.iter().map(|(course, users)| by_listing(reader, *course, users)));
    let (people, listings) = tokio::try_join!(people, listings)?;
    let mut enrolments: Enrolments = people.into_iter().flatten().collect();
    let mut active = BTreeMap::new();
    for (course, count, entries) in listings {
        active.insert(course, count);
        enrolments.extend(entries);
    }
    Ok((enrolments, active))
}

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
) -> Result<(MoodleCourseId, u64, Entries), MoodleSourceError> {
    let list = |which| async move {
        let people =
            reader.fetch_enrolled(course, which, WhichFields::Id).await.map_err(failed("listing a course's people"))?;
        Ok::<_, MoodleSourceError>(people.into_iter().map(|user| user.id).collect::<BTreeSet<_>>())
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
    Ok((course, active.len() as u64, entries))
}
