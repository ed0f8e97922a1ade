//! Records that are wrong in themselves, or name a course that cannot be used.

use serde_json::{Value, json};

use super::cases::{self as case, Case};
use super::courses::{COURSE_DISABLED, COURSE_MISSING, COURSE_TWICE, COURSE_WITHOUT_METHOD, FIRST_COURSE};
use super::stage::Stage;

pub(super) fn play(stage: &mut Stage<'_>) {
    courses(stage);
    malformed(stage);
}

fn courses(stage: &mut Stage<'_>) {
    let unusable = [
        (case::COURSE_UNKNOWN, "Una.Known@gov.example", COURSE_MISSING, 105),
        (case::NO_METHOD, "Nomi.Thod@gov.example", COURSE_WITHOUT_METHOD, 103),
        (case::METHOD_DISABLED, "Dee.Sabled@gov.example", COURSE_DISABLED, 101),
        (case::COURSE_TWICE, "Tess.Twice@gov.example", COURSE_TWICE, 99),
    ];
    for (case, email, course, minutes) in unusable {
        stage.account(case.guid, email);
        let row = stage.enrol(case, email, course, minutes);
        stage.record(minutes, row);
    }
}

/// A well-formed record of the case, as JSON to be spoilt.
fn sound(stage: &Stage<'_>, case: Case, email: &str, minutes: i64) -> Value {
    Value::from(stage.enrol(case, email, FIRST_COURSE + 9, minutes))
}

fn malformed(stage: &mut Stage<'_>) {
    let mut row = sound(stage, case::WITHOUT_GUID, "Anna.Nonymous@gov.example", 89);
    row["GUID"] = Value::Null;
    stage.record(89, row.clone());
    row["GUID"] = json!("");
    row["ENROLMENT_ID"] = json!(case::WITHOUT_GUID.enrolment_id + 1);
    stage.record(88, row);

    let mut row = sound(stage, case::WITHOUT_COURSE, "Noah.Course@gov.example", 87);
    row["COURSE_IDENTIFIER"] = Value::Null;
    stage.record(87, row);

    let mut row = sound(stage, case::WITHOUT_STATE, "Stan.Dstill@gov.example", 85);
    if let Some(fields) = row.as_object_mut() {
        fields.remove("COURSE_STATE");
    }
    stage.record(85, row);

    let mut row = sound(stage, case::BAD_DATE, "Tim.Eless@gov.example", 83);
    row["date_created"] = json!("23-NOV-26 02.15.00 PM");
    stage.record(83, row);

    let mut row = sound(stage, case::WRONG_TYPES, "Ty.Ping@gov.example", 81);
    row["COURSE_IDENTIFIER"] = json!({"id": FIRST_COURSE});
    row["EMAIL"] = json!(42);
    stage.record(81, row);

    let mut row = sound(stage, case::UNKNOWN_STATE, "Will.Wait@gov.example", 79);
    row["COURSE_STATE"] = json!("Waitlist");
    stage.record(79, row);

    let row = sound(stage, case::VERBATIM_TWICE, "Echo.Echo@gov.example", 44);
    for _ in 0..3 {
        stage.record(44, row.clone());
    }
}
