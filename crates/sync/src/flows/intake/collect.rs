//! Collect: what Moodle says about the records at hand.

use super::IntakeFlow;
use jiff::Timestamp;
use rollbook_core::matching::{Directory, PersonMatch, match_person};
use rollbook_core::model::FeedRecord;
use rollbook_core::plan::{Courses, Enrolments};
use rollbook_moodle::snapshot::{
    LISTED_FROM, MoodleSourceError, collect_courses, collect_enrolments, collect_people, complete_courses,
    read_enrolments,
};
use std::collections::{BTreeMap, BTreeSet};

/// What Moodle said about a set of records.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The accounts.
    pub directory: Directory,
    /// The courses, with how many are active where that came along.
    pub courses: Courses,
    /// How people stand in them.
    pub enrolments: Enrolments,
}

/// Asks Moodle about every person and course of the records, and about the pairs that both exist.
///
/// # Errors
/// [`MoodleSourceError`]; nothing is known then.
pub async fn collect_world(
    flow: &IntakeFlow,
    records: &[FeedRecord],
    newest: &BTreeMap<String, FeedRecord>,
    now: Timestamp,
) -> Result<World, MoodleSourceError> {
    let reader = flow.moodle.reader();
    let people = records.iter().chain(newest.values());
    let (directory, mut courses) =
        tokio::try_join!(collect_people(&reader, people, &flow.policy), collect_courses(&reader, records))?;
    let mut pairs = BTreeSet::new();
    for record in records.iter().filter(|record| record.reading.is_ok()) {
        if let PersonMatch::Found(account) =
            match_person(newest.get(&record.guid().folded()).unwrap_or(record), &directory, &flow.policy)
            && let Some([course]) = courses.get(&record.course()).map(Vec::as_slice)
        {
            pairs.insert((account.id, course.id));
        }
    }
    let Some(database) = &flow.database else {
        // A guard that watches shares from fewer people on needs to know how many there are.
        let exempt = usize::try_from(flow.policy.limits.exempt_under).unwrap_or(LISTED_FROM);
        let (enrolments, active) = collect_enrolments(&reader, &pairs, exempt.clamp(1, LISTED_FROM)).await?;
        for course in courses.values_mut().flatten() {
            course.active = active.get(&course.id).copied();
        }
        return Ok(World { directory, courses, enrolments });
    };
    complete_courses(database, &mut courses).await?;
    let enrolments = read_enrolments(database, &pairs, now).await?;
    Ok(World { directory, courses, enrolments })
}
