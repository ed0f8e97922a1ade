//! Troubles with who is who, and with what Moodle takes for an account.

use super::cases as case;
use super::courses::FIRST_COURSE;
use super::stage::Stage;
use crate::moodle::{ADMIN_ID, Context, STUDENT_ROLE};

pub(super) fn play(stage: &mut Stage<'_>) {
    doubtful(stage);
    refused_by_moodle(stage);
    equal_but_for_case(stage);
    special(stage);
}

/// Identities that nobody may guess.
fn doubtful(stage: &mut Stage<'_>) {
    stage.account(case::OTHER_MAIL.guid, "Rita.Oldname@gov.example");
    let row = stage.enrol(case::OTHER_MAIL, "Rita.Newname@gov.example", FIRST_COURSE + 1, 97);
    stage.record(97, row);

    stage.account("0DDBA11000000000000000000000A006", "Omar.Rehired@gov.example");
    let row = stage.enrol(case::CHANGED_GUID, "Omar.Rehired@gov.example", FIRST_COURSE + 2, 95);
    stage.record(95, row);

    stage.account(case::GUID_TWICE.guid, "Petra.Double@gov.example");
    stage.account(case::GUID_TWICE.guid, "Petra.Double2@gov.example");
    let row = stage.enrol(case::GUID_TWICE, "Petra.Double@gov.example", FIRST_COURSE + 3, 93);
    stage.record(93, row);

    stage.account(case::MAIL_OF_THIRD.guid, "Sam.Before@gov.example");
    stage.account("0DDBA11000000000000000000000A008", "Sam.After@gov.example");
    let row = stage.enrol(case::MAIL_OF_THIRD, "Sam.After@gov.example", FIRST_COURSE + 4, 91);
    stage.record(91, row);
}

/// People without an account whom Moodle would not take as they are.
fn refused_by_moodle(stage: &mut Stage<'_>) {
    let row = stage.enrol(case::PLUS_ADDRESS, "Nora.Plus+work@gov.example", FIRST_COURSE, 74);
    stage.record(74, row.named("Nora", "Plus"));

    let email = "Sean.O'Brien@gov.example";
    let row = stage.enrol(case::APOSTROPHE_ADDRESS, email, FIRST_COURSE, 72);
    stage.record(72, row);

    let email = "Zoe.Nunez@gov.example";
    let row = stage.enrol(case::FOREIGN_LETTERS, email, FIRST_COURSE + 5, 40);
    stage.record(40, row.named("Zoë 𠮷", "Núñez Łukaszewska"));

    let email = "Bobby.Tables@gov.example";
    let row = stage.enrol(case::HTML_NAME, email, FIRST_COURSE + 5, 38);
    stage.record(38, row.named("Bobby <script>alert(1)</script>", "Tables & Sons"));
}

fn equal_but_for_case(stage: &mut Stage<'_>) {
    stage.account(case::UPPER_CASE_MAIL.guid, "LOUD.TYPIST@GOV.EXAMPLE");
    let row = stage.enrol(case::UPPER_CASE_MAIL, "Loud.Typist@gov.example", FIRST_COURSE + 6, 36);
    stage.record(36, row);

    let guid = case::LOWER_CASE_GUID.guid.to_lowercase();
    stage.account(&guid, "Lowe.Case@gov.example");
    let row = stage.enrol(case::LOWER_CASE_GUID, "Lowe.Case@gov.example", FIRST_COURSE + 6, 34);
    stage.record(34, row);
}

fn special(stage: &mut Stage<'_>) {
    let email = "Ada.Ministrator@gov.example";
    let guid = case::ADMINISTRATOR.guid.to_owned();
    stage.world.moodle.users.edit(ADMIN_ID, |admin| {
        admin.idnumber = guid;
        admin.email = email.to_owned();
    });
    let course_id = stage.course(FIRST_COURSE + 7);
    stage.world.moodle.enrol(ADMIN_ID, course_id);
    debug_assert!(
        stage.world.moodle.roles_of(ADMIN_ID, Context::Course(course_id)).any(|role| role.role_id == STUDENT_ROLE)
    );
    let row = stage.suspend(case::ADMINISTRATOR, email, FIRST_COURSE + 7, 54);
    stage.record(54, row);

    let user_id = stage.account(case::SITE_SUSPENDED.guid, "Gone.Fishing@gov.example");
    stage.world.moodle.users.edit(user_id, |user| user.suspended = true);
    let row = stage.enrol(case::SITE_SUSPENDED, "Gone.Fishing@gov.example", FIRST_COURSE + 8, 32);
    stage.record(32, row);
}
