//! Which courses have opted in, over web services: a checkbox among the custom fields.
//!
//! Moodle shows the field only where its visibility allows; what is not shown is [`OptIn::Hidden`], never "no".

use super::poll::Asking;
use crate::client::MoodleReader;
use crate::client::wire::WireCourse;
use crate::snapshot::{MoodleSourceError, failed};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, MoodleCourseId, OptIn, OptInCourse};
use rollbook_core::snapshot::{Gap, Snapshot};
use std::collections::BTreeMap;

/// Looks at the courses in which intake has enrolled somebody. Their ID numbers are known from there: the web services show
/// them only to who may edit a course. A course that is gone wants nothing reported. Gives also how the courses are asked
/// about.
///
/// # Errors
/// [`MoodleSourceError`]; nothing is known then.
pub async fn find_opt_ins(
    reader: &MoodleReader,
    courses: &BTreeMap<MoodleCourseId, ElmCourseId>,
    field: &str,
    now: Timestamp,
) -> Result<(Snapshot<Vec<OptInCourse>>, Asking), MoodleSourceError> {
    let ids: Vec<MoodleCourseId> = courses.keys().copied().collect();
    let (found, gone) = reader.fetch_courses_by_id(&ids).await.map_err(failed("looking which courses opted in"))?;
    let read = found.iter().map(|course| read_course(course, courses.get(&course.id), field));
    let gone = gone.into_iter().map(|id| {
        let (elm_id, full_name) = (courses.get(&id).cloned(), String::new());
        OptInCourse { id, elm_id, full_name, opt_in: OptIn::Out }
    });
    let looked = Snapshot { taken_at: now, gaps: vec![Gap::Narrowed], value: read.chain(gone).collect() };
    let which = |is: fn(&WireCourse) -> bool| found.iter().filter(move |course| is(course)).map(|course| course.id);
    let directly = which(|course| course.visible != Some(true)).collect();
    let never = which(|course| course.enablecompletion == Some(false)).collect();
    Ok((looked, Asking { directly, never }))
}

fn read_course(course: &WireCourse, known: Option<&ElmCourseId>, field: &str) -> OptInCourse {
    let shown = course.idnumber.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(ElmCourseId::new);
    let opt_in = match course.find_checkbox(field) {
        Some(true) => OptIn::In,
        Some(false) => OptIn::Out,
        None => OptIn::Hidden,
    };
    OptInCourse { id: course.id, elm_id: shown.or_else(|| known.cloned()), full_name: course.fullname.clone(), opt_in }
}
