//! The courses that a set of feed records is about, by `idnumber`.

use super::{MoodleSourceError, failed};
use crate::client::MoodleReader;
use crate::client::wire::WireCourse;
use rollbook_core::model::{Course, ElmCourseId, FeedRecord, ManualInstance, MoodleCourseId};
use rollbook_core::plan::Courses;
use std::collections::BTreeSet;

/// Looks up every course that the good records among `records` name. A course that is asked for and not there gets an
/// empty entry.
///
/// # Errors
/// [`MoodleSourceError`]; nothing is known then.
pub async fn collect_courses(reader: &MoodleReader, records: &[FeedRecord]) -> Result<Courses, MoodleSourceError> {
    let good = records.iter().filter(|record| record.reading.is_ok());
    fetch_courses(reader, good.map(FeedRecord::course).collect::<BTreeSet<_>>().into_iter().collect()).await
}

pub(super) async fn fetch_courses(reader: &MoodleReader, ids: Vec<ElmCourseId>) -> Result<Courses, MoodleSourceError> {
    let found = reader.fetch_courses_by_idnumber(&ids).await.map_err(failed("looking up courses"))?;
    let courses = found.into_iter().map(|found| {
        let asked = found.asked;
        let courses = found
            .courses
            .into_iter()
            .filter(|course| is_meant(course, &asked))
            .map(|course| read_course(course, &asked));
        let courses = courses.collect();
        (asked, courses)
    });
    Ok(courses.collect())
}

/// Those of these courses that learners do not see. No call for none; about 4 ms a course.
pub(super) async fn fetch_hidden(
    reader: &MoodleReader,
    ids: &[MoodleCourseId],
) -> Result<BTreeSet<MoodleCourseId>, MoodleSourceError> {
    let (courses, _gone) = reader.fetch_courses_by_id(ids).await.map_err(failed("looking which courses are hidden"))?;
    Ok(courses.into_iter().filter(|course| course.visible == Some(false)).map(|course| course.id).collect())
}

/// The database compares loosely; where the course says its own idnumber, it must be the very one.
fn is_meant(course: &WireCourse, asked: &ElmCourseId) -> bool {
    let says = course.idnumber.as_deref().map(str::trim);
    !course.is_front_page() && says.is_none_or(|says| says.is_empty() || says == asked.as_str())
}

fn read_course(course: WireCourse, asked: &ElmCourseId) -> Course {
    let manual = match course.takes_manual_enrolments() {
        Some(false) => ManualInstance::Missing,
        // An older Moodle does not say; the enrolment itself will.
        Some(true) | None => ManualInstance::Usable,
    };
    Course {
        id: course.id,
        elm_id: asked.clone(),
        full_name: course.fullname,
        manual,
        default_role: None,
        active: None,
        methods: course.enrollmentmethods,
        duration: None,
    }
}
