//! Courses, looked up by what the ELM calls them.

use crate::live::Bench;
use crate::live::difference::{Checked, holds, refused, same, while_doing};
use rollbook_core::model::{ElmCourseId, MoodleCourseId};
use rollbook_moodle::client::read::WhichEnrolled;
use rollbook_moodle::client::write::EnrolmentState;
use std::slice::from_ref;

/// No Moodle has given out so high an id.
const NOWHERE: MoodleCourseId = MoodleCourseId(2_000_000_011);
const FRONT_PAGE: MoodleCourseId = MoodleCourseId(1);

pub(super) async fn a_course_is_found_by_idnumber_with_its_text_as_stored(bench: &Bench) -> Checked {
    let course = bench.course().await?;
    let found = bench.reader().fetch_courses_by_idnumber(&[course.elm_id()]).await;
    let found = found.map_err(while_doing("looking a course up"))?;
    same("courses", &found[0].courses.iter().map(|course| course.id).collect::<Vec<_>>(), &vec![course.id])?;
    let course = &found[0].courses[0];
    let expected = format!("Live & well {}", bench.prefix());
    same("the full name, not escaped", &course.fullname, &expected)?;
    same("whether it takes manual enrolments", &course.takes_manual_enrolments(), &Some(true))?;
    same("whether it is visible", &course.visible, &Some(true))?;
    bench.note(if course.idnumber.is_some() {
        "a course shows its idnumber to this token"
    } else {
        "a course does not show its idnumber to this token (moodle/course:update)"
    });
    Ok(())
}

pub(super) async fn leading_zeros_count_and_an_empty_idnumber_is_no_course(bench: &Bench) -> Checked {
    let course = bench.course().await?;
    let zero = ElmCourseId::new(format!("0{}", course.idnumber));
    let asked = [zero, ElmCourseId::new(""), ElmCourseId::new(" ")];
    let found = bench.reader().fetch_courses_by_idnumber(&asked).await.map_err(while_doing("looking courses up"))?;
    same("courses", &found.iter().map(|found| found.courses.len()).collect::<Vec<_>>(), &vec![0, 0, 0])
}

pub(super) async fn a_hidden_course_is_found_and_takes_enrolments(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.hidden_course().await?);
    let found = bench.reader().fetch_courses_by_idnumber(&[course.elm_id()]).await;
    let found = found.map_err(while_doing("looking a hidden course up"))?;
    same(
        "hidden courses",
        &found[0].courses.iter().map(|found| found.visible).collect::<Vec<_>>(),
        &vec![Some(false)],
    )?;
    bench.enrol(EnrolmentState::Active, user, course.id).await?;
    same("participants", &bench.listed(course.id, WhichEnrolled::OnlyActive).await?, &vec![user])
}

pub(super) async fn an_unknown_id_in_a_list_is_found_out(bench: &Bench) -> Checked {
    let (one, two) = (bench.course().await?, bench.course().await?);
    let found = bench.reader().fetch_courses_by_id(&[one.id, NOWHERE, two.id]).await;
    let (courses, missing) = found.map_err(while_doing("looking courses up by id"))?;
    let mut ids: Vec<_> = courses.iter().map(|course| course.id).collect();
    ids.sort();
    same("courses", &ids, &vec![one.id, two.id])?;
    same("missing ids", &missing, &vec![NOWHERE])
}

pub(super) async fn the_front_page_takes_no_manual_enrolments(bench: &Bench) -> Checked {
    let (_, user) = bench.account().await?;
    let all = bench.reader().fetch_all_courses().await.map_err(while_doing("listing all courses"))?;
    holds("the front page is not among the courses", all.iter().all(|course| course.id != FRONT_PAGE))?;
    let enrolment = bench.enrolment(EnrolmentState::Active, user, FRONT_PAGE);
    refused("enrolling in the front page", &["wsnoinstance"], bench.writer().enrol(from_ref(&enrolment)).await)
        .map(drop)
}
