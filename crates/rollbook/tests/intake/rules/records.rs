//! A bad record is that record's trouble, and nobody else's.

use crate::stage::{FIRST, Stage, empty_school, enrol, school};
use rollbook_core::run::RunState;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_record_is_an_error_that_names_its_field_and_the_others_go_on() {
    let long = "x".repeat(10 * 1024 * 1024);
    let spoils: Vec<(&str, Value, &str)> = vec![
        ("GUID", json!(null), "GUID"),
        ("GUID", json!(""), "GUID"),
        ("COURSE_IDENTIFIER", json!(null), "COURSE_IDENTIFIER"),
        ("COURSE_STATE", json!(null), "COURSE_STATE"),
        ("COURSE_STATE", json!("enrol me"), "COURSE_STATE"),
        ("COURSE_STATE_DATE", json!("yesterday"), "COURSE_STATE_DATE"),
        ("date_created", json!([1, 2]), "date_created"),
        ("EMAIL", json!({"address": "a@example.org"}), "EMAIL"),
        ("FIRST_NAME", json!(long), "FIRST_NAME"),
        ("GUID", json!("A\u{0}B"), "GUID"),
    ];
    let mut world = empty_school();
    let rows = spoils.iter().enumerate().map(|(number, (field, value, _))| {
        let mut row = Value::from(enrol(&format!("E{number}"), FIRST, 60 - number as i64));
        row[*field] = value.clone();
        row
    });
    rows.for_each(|row| world.elm.push(row));
    world.elm.push(enrol("N1", FIRST, 30));
    world.elm.push(json!("no record at all"));
    world.elm.push(enrol("E20", FIRST, 20));
    let stage = Stage::new(world).await;
    let feed: Vec<Value> = stage.sandbox.world().elm.rows.clone();
    // The stand-in would sort the broken dates out before they arrive; a file brings them as they are.
    let query = rollbook_sync::flows::intake::IntakeQuery::Rows(feed);
    let report = stage.run_with(rollbook_sync::flows::intake::Purpose::Apply, query).await.unwrap();
    assert_eq!((report.counts.enrolled, report.state), (2, RunState::Partly), "{:?}", report.counts);
    let reasons = stage.lines("SELECT status || ' ' || reason FROM record WHERE code = 'invalid'").await;
    for (field, _, named) in spoils {
        assert!(
            reasons.iter().any(|reason| reason.starts_with("Error") && reason.contains(named)),
            "{field}: {reasons:#?}"
        );
    }
    assert!(reasons.iter().all(|reason| reason.len() < 300), "a long field is not repeated");
    assert_eq!(reasons.len() as u64, report.counts.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_processes_no_record_twice() {
    let stage = Stage::new(school()).await;
    stage.round().await.unwrap();
    let (before, writes) = (stage.picture().await, stage.writes());
    let report = stage.run().await.unwrap();
    stage.deliver().await;
    assert_eq!((report.counts.enrolled, report.counts.suspended, report.plan.changes.len()), (0, 0, 0));
    assert_eq!(stage.writes(), writes);
    stage.picture().await.assert_like(&before, "a second run");
}
