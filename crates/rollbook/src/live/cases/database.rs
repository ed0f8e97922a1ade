//! What the read-only database tells, against what the web services do.

use crate::live::Bench;
use crate::live::difference::{Checked, differs, holds, same, while_doing};
use rollbook_core::model::{Course, Enrolment, ManualInstance, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::Courses;
use rollbook_moodle::client::write::{Enrolment as NewEnrolment, EnrolmentState};
use rollbook_moodle::snapshot::{
    LISTED_FROM, collect_enrolments, complete_courses, read_administrators, read_enrolments,
};
use rollbook_remote::database::Arg;
use std::collections::BTreeSet;
use std::slice::from_ref;

const DATES: &str = "
    SELECT {int:ue.status}, {int:ue.timestart}, {int:ue.timeend}
    FROM {p}user_enrolments ue JOIN {p}enrol e ON e.id = ue.enrolid WHERE ue.userid = ? AND e.courseid = ?";
const DAY: i64 = 86_400;

pub(super) async fn an_enrolment_without_dates_wipes_them_in_the_table(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    let plain = bench.enrolment(EnrolmentState::Active, user, course.id);
    let now = bench.clock.now().as_second();
    let dated = NewEnrolment { time_start: Some(now - DAY), time_end: Some(now + DAY), ..plain };
    for (what, enrolment, expected) in [
        ("an enrolment with dates", &dated, vec![(0, now - DAY, now + DAY)]),
        ("a repeat without dates", &plain, vec![(0, 0, 0)]),
    ] {
        bench.writer().enrol(from_ref(enrolment)).await.map_err(while_doing(what))?;
        same(what, &rows(bench, user, course.id).await?, &expected)?;
    }
    Ok(())
}

async fn rows(bench: &Bench, user: MoodleUserId, course: MoodleCourseId) -> Checked<Vec<(i64, i64, i64)>> {
    let args = [Arg::Int(user.0), Arg::Int(course.0)];
    let rows = bench.database()?.rows("reading an enrolment's dates", DATES, &args).await;
    let rows = rows.map_err(while_doing("reading an enrolment's dates"))?;
    let read = |row: &rollbook_remote::database::Row| Ok((row.int(0)?, row.int(1)?, row.int(2)?));
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(while_doing::<rollbook_remote::database::DatabaseError>("reading dates"))
}

pub(super) async fn the_database_and_the_web_services_agree_how_people_stand(bench: &Bench) -> Checked {
    let users = bench.accounts(6).await?;
    let course = bench.course().await?;
    bench.enrol(EnrolmentState::Active, users[0], course.id).await?;
    bench.enrol(EnrolmentState::Suspended, users[1], course.id).await?;
    let ended = NewEnrolment {
        time_end: Some(bench.clock.now().as_second() - DAY),
        ..bench.enrolment(EnrolmentState::Active, users[2], course.id)
    };
    bench.writer().enrol(from_ref(&ended)).await.map_err(while_doing("enrolling until yesterday"))?;
    let pairs: BTreeSet<_> = users.iter().map(|user| (*user, course.id)).collect();
    let (asked, _) = collect_enrolments(&bench.reader(), &pairs, LISTED_FROM)
        .await
        .map_err(while_doing("asking how people stand"))?;
    let read = read_enrolments(bench.database()?, &pairs, bench.clock.now()).await;
    let read = read.map_err(while_doing("reading how people stand"))?;
    // Web services do not tell a suspension from what has not begun or has ended.
    let told =
        |state| if state == Enrolment::Active || state == Enrolment::Absent { state } else { Enrolment::Inactive };
    let [read_states, asked_states] =
        [&read, &asked].map(|seen| seen.values().map(|there| told(there.state)).collect::<Vec<_>>());
    same("how people stand", &read_states, &asked_states)?;
    let stands = read.values().map(|there| there.state).take(4).collect::<Vec<_>>();
    same(
        "the first of them",
        &stands,
        &vec![Enrolment::Active, Enrolment::Suspended, Enrolment::Suspended, Enrolment::Absent],
    )
}

pub(super) async fn the_database_tells_default_roles_and_administrators(bench: &Bench) -> Checked {
    let course = bench.course().await?;
    let mut courses = Courses::new();
    let known = Course {
        id: course.id,
        elm_id: course.elm_id(),
        full_name: String::new(),
        manual: ManualInstance::Usable,
        default_role: None,
        active: None,
        methods: None,
        duration: None,
    };
    courses.insert(course.elm_id(), vec![known]);
    complete_courses(bench.database()?, &mut courses).await.map_err(while_doing("reading a course's manual method"))?;
    let Some([found]) = courses.get(&course.elm_id()).map(Vec::as_slice) else {
        return Err(differs("the course", "one".to_owned(), format!("{courses:?}")));
    };
    same("whether the course takes manual enrolments", &found.manual, &ManualInstance::Usable)?;
    same("how many are active", &found.active, &Some(0))?;
    holds("the manual method has a default role", found.default_role.is_some())?;
    bench.note(format!("a new course's manual method enrols as role {:?}", found.default_role.map(|role| role.0)));
    let administrators =
        read_administrators(bench.database()?).await.map_err(while_doing("reading the administrators"))?;
    holds("there is an administrator", !administrators.is_empty())
}
