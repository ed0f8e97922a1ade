//! Made-up rows: the same number gives the same row, always.

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_core::model::{FeedRecord, FieldNames, MoodleCourseId, MoodleUserId, read_record};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::{Step, Verdict};
use rollbook_journal::{Decision, OutboxItem, OutboxKind};
use serde_json::json;
use std::sync::OnceLock;

const FIRST: [&str; 8] = ["Jane", "José", "Amir", "Wei", "Olga", "Tom", "Ana", "Björn"];
const LAST: [&str; 10] =
    ["Doe", "Nguyen", "Smith", "Tremblay", "Okafor", "Larsen", "Singh", "García", "Müller", "O'Neill"];

static BASE: OnceLock<Timestamp> = OnceLock::new();

/// Row `rows` shall be of now, for pages that tell of this week.
pub fn end_now(rows: u64) {
    let past = SignedDuration::from_secs(i64::try_from(rows * 20).unwrap());
    BASE.get_or_init(|| Clock::system().now() - past);
}

/// So many seconds after row 0; there is a row every 20 seconds.
pub fn at(second: u64) -> Timestamp {
    *BASE.get().unwrap() + SignedDuration::from_secs(i64::try_from(second).unwrap())
}

/// Row `n`: people and courses are spread so that a person has ten rows, and courses are of very unequal size.
pub fn record(n: u64) -> FeedRecord {
    let people = 500_000;
    let person = n.wrapping_mul(2_654_435_761) % people;
    let course = (n % 997) * (n % 13) % 400;
    let first = FIRST[usize::try_from(person % 8).unwrap()];
    let last = LAST[usize::try_from(person / 8 % 10).unwrap()];
    let state = if n.is_multiple_of(9) { "Suspend" } else { "Enrol" };
    let row = json!({
        "date_created": at(n * 20).to_string(), "COURSE_IDENTIFIER": 930_000 + course,
        "COURSE_SHORTNAME": format!("ITEM-{course}-1"), "COURSE_STATE": state,
        "GUID": format!("{:032X}", u128::from(person).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)),
        "EMAIL": format!("{first}.{last}{person}@gov.example"), "FIRST_NAME": first, "LAST_NAME": format!("{last}{person}"),
        "ENROLMENT_ID": 5_000_000 + n, "record_enrol_id": n,
    });
    read_record(&row, &FieldNames::default(), &jiff::tz::TimeZone::UTC)
}

/// What becomes of row `n`.
pub fn decision(record: &FeedRecord, n: u64) -> Decision {
    let (verdict, next) = match n % 200 {
        0 => (Verdict::CourseNotFound, Step::AskAt(at(n * 20))),
        1 => (Verdict::AccountRefused { code: "invalidusername".into() }, Step::AskAt(at(n * 20))),
        2 => (Verdict::Superseded { by: record.fingerprint }, Step::Rest),
        _ => (Verdict::Enrolled, Step::Rest),
    };
    let is_done = verdict == Verdict::Enrolled;
    let mail = OutboxItem {
        kind: OutboxKind::Mail,
        dedupe: format!("welcome:{}", record.fingerprint),
        payload: json!({"to": record.mail(), "subject": "Welcome", "text": "Dear ".repeat(60)}),
        next: at(n * 20),
    };
    Decision {
        record: record.fingerprint,
        verdict,
        next,
        course_id: MoodleCourseId(i64::from(is_done) * 77),
        course_name: if is_done { format!("Course {}: safety at work", record.course()) } else { String::new() },
        user_id: MoodleUserId(i64::from(is_done) * i64::try_from(n % 500_000 + 1).unwrap()),
        applied: AppliedState::of(record).filter(|_| is_done),
        mail: (is_done && n.is_multiple_of(50)).then_some(mail),
    }
}
