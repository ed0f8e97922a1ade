//! Records that are well-formed but meet a state, or each other, in a way that needs thought.

use jiff::SignedDuration;

use super::cases as case;
use super::courses::FIRST_COURSE;
use super::stage::Stage;
use crate::elm::local;

pub(super) fn play(stage: &mut Stage<'_>) {
    nothing_to_suspend(stage);
    sequences(stage);
    present_states(stage);
    completed(stage);
}

fn nothing_to_suspend(stage: &mut Stage<'_>) {
    let email = "Neve.Renrolled@gov.example";
    stage.account(case::SUSPEND_NOT_ENROLLED.guid, email);
    let row = stage.suspend(case::SUSPEND_NOT_ENROLLED, email, FIRST_COURSE + 10, 66);
    stage.record(66, row);

    let email = "Noah.Ccount@gov.example";
    let row = stage.suspend(case::SUSPEND_NO_ACCOUNT, email, FIRST_COURSE + 10, 64);
    stage.record(64, row);
}

fn sequences(stage: &mut Stage<'_>) {
    let case = case::ENROL_THEN_SUSPEND;
    let email = "Ina.Ndout@gov.example";
    stage.account(case.guid, email);
    let row = stage.enrol(case, email, FIRST_COURSE + 11, 62);
    stage.record(62, row);
    let row = stage.suspend(case, email, FIRST_COURSE + 11, 58);
    stage.record(58, row.numbered(case.enrolment_id + 1));

    let case = case::OLDER_AFTER_NEWER;
    let email = "Latimer.Late@gov.example";
    let user_id = stage.account(case.guid, email);
    let course_id = stage.course(FIRST_COURSE + 12);
    stage.world.moodle.enrol(user_id, course_id);
    let row = stage.suspend(case, email, FIRST_COURSE + 12, 57);
    stage.record(57, row.numbered(case.enrolment_id + 1));
    let mut row = stage.enrol(case, email, FIRST_COURSE + 12, 55);
    row.course_state_date = local(stage.ago(95));
    stage.record(55, row);
}

fn present_states(stage: &mut Stage<'_>) {
    let case = case::ALREADY_ENROLLED;
    let email = "Al.Ready@gov.example";
    let user_id = stage.account(case.guid, email);
    let course_id = stage.course(FIRST_COURSE + 13);
    stage.world.moodle.enrol(user_id, course_id);
    let row = stage.enrol(case, email, FIRST_COURSE + 13, 50);
    stage.record(50, row);

    let case = case::RETURNING;
    let email = "Ruth.Turning@gov.example";
    let user_id = stage.account(case.guid, email);
    stage.world.moodle.enrol_suspended(user_id, course_id);
    let row = stage.enrol(case, email, FIRST_COURSE + 13, 48);
    stage.record(48, row);
}

fn completed(stage: &mut Stage<'_>) {
    let course_id = stage.course(FIRST_COURSE);
    for (case, email) in
        [(case::COMPLETED, "Connie.Pleted@gov.example"), (case::COMPLETED_SUSPENDED, "Cora.Pleted@gov.example")]
    {
        let user_id = stage.account(case.guid, email);
        stage.world.moodle.enrol(user_id, course_id);
        let at = stage.ago(9) + SignedDuration::from_secs(30);
        stage.world.moodle.complete(user_id, course_id, at);
        let row = stage.enrol(case, email, FIRST_COURSE, 30);
        stage.record(30, row);
    }
    let case = case::COMPLETED_SUSPENDED;
    let row = stage.suspend(case, "Cora.Pleted@gov.example", FIRST_COURSE, 6);
    stage.record(6, row.numbered(case.enrolment_id + 1));
}
