//! The troubles: doubts about who is who, accounts that Moodle refuses, records that are wrong in themselves, and sound
//! records that meet a state, or each other, in a way that needs thought.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::DemoBuilder;
use super::cases::{self as case, Case};
use super::ordinary::{COURSE_DISABLED, COURSE_MISSING, COURSE_TWICE, COURSE_WITHOUT_METHOD, FIRST_COURSE};
use crate::elm::local;
use crate::moodle::{ADMIN_ID, Context, STUDENT_ROLE};

pub(super) fn add_accounts(builder: &mut DemoBuilder<'_>) {
    doubtful(builder);
    refused_by_moodle(builder);
    equal_but_for_case(builder);
    special(builder);
}

/// Identities that nobody may guess.
fn doubtful(builder: &mut DemoBuilder<'_>) {
    builder.account(case::OTHER_MAIL.guid, "Rita.Oldname@gov.example");
    let row = builder.enrol(case::OTHER_MAIL, "Rita.Newname@gov.example", FIRST_COURSE + 1, 97);
    builder.record(97, row);

    builder.account("0DDBA11000000000000000000000A006", "Omar.Rehired@gov.example");
    let row = builder.enrol(case::CHANGED_GUID, "Omar.Rehired@gov.example", FIRST_COURSE + 2, 95);
    builder.record(95, row);

    builder.account(case::GUID_TWICE.guid, "Petra.Double@gov.example");
    builder.account(case::GUID_TWICE.guid, "Petra.Double2@gov.example");
    let row = builder.enrol(case::GUID_TWICE, "Petra.Double@gov.example", FIRST_COURSE + 3, 93);
    builder.record(93, row);

    builder.account(case::MAIL_OF_THIRD.guid, "Sam.Before@gov.example");
    builder.account("0DDBA11000000000000000000000A008", "Sam.After@gov.example");
    let row = builder.enrol(case::MAIL_OF_THIRD, "Sam.After@gov.example", FIRST_COURSE + 4, 91);
    builder.record(91, row);
}

/// People without an account whom Moodle would not take as they are.
fn refused_by_moodle(builder: &mut DemoBuilder<'_>) {
    let row = builder.enrol(case::PLUS_ADDRESS, "Nora.Plus+work@gov.example", FIRST_COURSE, 74);
    builder.record(74, row.named("Nora", "Plus"));

    let email = "Sean.O'Brien@gov.example";
    let row = builder.enrol(case::APOSTROPHE_ADDRESS, email, FIRST_COURSE, 72);
    builder.record(72, row);

    let email = "Zoe.Nunez@gov.example";
    let row = builder.enrol(case::FOREIGN_LETTERS, email, FIRST_COURSE + 5, 40);
    builder.record(40, row.named("Zoë 𠮷", "Núñez Łukaszewska"));

    let email = "Bobby.Tables@gov.example";
    let row = builder.enrol(case::HTML_NAME, email, FIRST_COURSE + 5, 38);
    builder.record(38, row.named("Bobby <script>alert(1)</script>", "Tables & Sons"));
}

fn equal_but_for_case(builder: &mut DemoBuilder<'_>) {
    builder.account(case::UPPER_CASE_MAIL.guid, "LOUD.TYPIST@GOV.EXAMPLE");
    let row = builder.enrol(case::UPPER_CASE_MAIL, "Loud.Typist@gov.example", FIRST_COURSE + 6, 36);
    builder.record(36, row);

    let guid = case::LOWER_CASE_GUID.guid.to_lowercase();
    builder.account(&guid, "Lowe.Case@gov.example");
    let row = builder.enrol(case::LOWER_CASE_GUID, "Lowe.Case@gov.example", FIRST_COURSE + 6, 34);
    builder.record(34, row);
}

fn special(builder: &mut DemoBuilder<'_>) {
    let email = "Ada.Ministrator@gov.example";
    let guid = case::ADMINISTRATOR.guid.to_owned();
    builder.world.moodle.users.edit(ADMIN_ID, |admin| {
        admin.idnumber = guid;
        admin.email = email.to_owned();
    });
    let course_id = builder.course(FIRST_COURSE + 7);
    builder.world.moodle.enrol(ADMIN_ID, course_id);
    debug_assert!(
        builder.world.moodle.roles_of(ADMIN_ID, Context::Course(course_id)).any(|role| role.role_id == STUDENT_ROLE)
    );
    let row = builder.suspend(case::ADMINISTRATOR, email, FIRST_COURSE + 7, 54);
    builder.record(54, row);

    let user_id = builder.account(case::SITE_SUSPENDED.guid, "Gone.Fishing@gov.example");
    builder.world.moodle.users.edit(user_id, |user| user.suspended = true);
    let row = builder.enrol(case::SITE_SUSPENDED, "Gone.Fishing@gov.example", FIRST_COURSE + 8, 32);
    builder.record(32, row);
}

pub(super) fn add_records(builder: &mut DemoBuilder<'_>) {
    unusable_courses(builder);
    malformed(builder);
}

fn unusable_courses(builder: &mut DemoBuilder<'_>) {
    let unusable = [
        (case::COURSE_UNKNOWN, "Una.Known@gov.example", COURSE_MISSING, 105),
        (case::NO_METHOD, "Nomi.Thod@gov.example", COURSE_WITHOUT_METHOD, 103),
        (case::METHOD_DISABLED, "Dee.Sabled@gov.example", COURSE_DISABLED, 101),
        (case::COURSE_TWICE, "Tess.Twice@gov.example", COURSE_TWICE, 99),
    ];
    for (case, email, course, minutes) in unusable {
        builder.account(case.guid, email);
        let row = builder.enrol(case, email, course, minutes);
        builder.record(minutes, row);
    }
}

/// A well-formed record of the case, as JSON to be spoilt.
fn sound(builder: &DemoBuilder<'_>, case: Case, email: &str, minutes: i64) -> Value {
    Value::from(builder.enrol(case, email, FIRST_COURSE + 9, minutes))
}

fn malformed(builder: &mut DemoBuilder<'_>) {
    let mut row = sound(builder, case::WITHOUT_GUID, "Anna.Nonymous@gov.example", 89);
    row["GUID"] = Value::Null;
    builder.record(89, row.clone());
    row["GUID"] = json!("");
    row["ENROLMENT_ID"] = json!(case::WITHOUT_GUID.enrolment_id + 1);
    builder.record(88, row);

    let mut row = sound(builder, case::WITHOUT_COURSE, "Noah.Course@gov.example", 87);
    row["COURSE_IDENTIFIER"] = Value::Null;
    builder.record(87, row);

    let mut row = sound(builder, case::WITHOUT_STATE, "Stan.Dstill@gov.example", 85);
    if let Some(fields) = row.as_object_mut() {
        fields.remove("COURSE_STATE");
    }
    builder.record(85, row);

    let mut row = sound(builder, case::BAD_DATE, "Tim.Eless@gov.example", 83);
    row["date_created"] = json!("23-NOV-26 02.15.00 PM");
    builder.record(83, row);

    let mut row = sound(builder, case::WRONG_TYPES, "Ty.Ping@gov.example", 81);
    row["COURSE_IDENTIFIER"] = json!({"id": FIRST_COURSE});
    row["EMAIL"] = json!(42);
    builder.record(81, row);

    let mut row = sound(builder, case::UNKNOWN_STATE, "Will.Wait@gov.example", 79);
    row["COURSE_STATE"] = json!("Waitlist");
    builder.record(79, row);

    let row = sound(builder, case::VERBATIM_TWICE, "Echo.Echo@gov.example", 44);
    for _ in 0..3 {
        builder.record(44, row.clone());
    }
}

pub(super) fn add_sequences(builder: &mut DemoBuilder<'_>) {
    nothing_to_suspend(builder);
    sequences(builder);
    present_states(builder);
    completed(builder);
}

fn nothing_to_suspend(builder: &mut DemoBuilder<'_>) {
    let email = "Neve.Renrolled@gov.example";
    builder.account(case::SUSPEND_NOT_ENROLLED.guid, email);
    let row = builder.suspend(case::SUSPEND_NOT_ENROLLED, email, FIRST_COURSE + 10, 66);
    builder.record(66, row);

    let email = "Noah.Ccount@gov.example";
    let row = builder.suspend(case::SUSPEND_NO_ACCOUNT, email, FIRST_COURSE + 10, 64);
    builder.record(64, row);
}

fn sequences(builder: &mut DemoBuilder<'_>) {
    let case = case::ENROL_THEN_SUSPEND;
    let email = "Ina.Ndout@gov.example";
    builder.account(case.guid, email);
    let row = builder.enrol(case, email, FIRST_COURSE + 11, 62);
    builder.record(62, row);
    let row = builder.suspend(case, email, FIRST_COURSE + 11, 58);
    builder.record(58, row.numbered(case.enrolment_id + 1));

    let case = case::OLDER_AFTER_NEWER;
    let email = "Latimer.Late@gov.example";
    let user_id = builder.account(case.guid, email);
    let course_id = builder.course(FIRST_COURSE + 12);
    builder.world.moodle.enrol(user_id, course_id);
    let row = builder.suspend(case, email, FIRST_COURSE + 12, 57);
    builder.record(57, row.numbered(case.enrolment_id + 1));
    let mut row = builder.enrol(case, email, FIRST_COURSE + 12, 55);
    row.course_state_date = local(builder.ago(95));
    builder.record(55, row);
}

fn present_states(builder: &mut DemoBuilder<'_>) {
    let case = case::ALREADY_ENROLLED;
    let email = "Al.Ready@gov.example";
    let user_id = builder.account(case.guid, email);
    let course_id = builder.course(FIRST_COURSE + 13);
    builder.world.moodle.enrol(user_id, course_id);
    let row = builder.enrol(case, email, FIRST_COURSE + 13, 50);
    builder.record(50, row);

    let case = case::RETURNING;
    let email = "Ruth.Turning@gov.example";
    let user_id = builder.account(case.guid, email);
    builder.world.moodle.enrol_suspended(user_id, course_id);
    let row = builder.enrol(case, email, FIRST_COURSE + 13, 48);
    builder.record(48, row);
}

fn completed(builder: &mut DemoBuilder<'_>) {
    let course_id = builder.course(FIRST_COURSE);
    for (case, email) in
        [(case::COMPLETED, "Connie.Pleted@gov.example"), (case::COMPLETED_SUSPENDED, "Cora.Pleted@gov.example")]
    {
        let user_id = builder.account(case.guid, email);
        builder.world.moodle.enrol(user_id, course_id);
        let at = builder.ago(9) + SignedDuration::from_secs(30);
        builder.world.moodle.complete(user_id, course_id, at);
        let row = builder.enrol(case, email, FIRST_COURSE, 30);
        builder.record(30, row);
    }
    let case = case::COMPLETED_SUSPENDED;
    let row = builder.suspend(case, "Cora.Pleted@gov.example", FIRST_COURSE, 6);
    builder.record(6, row.numbered(case.enrolment_id + 1));
}
