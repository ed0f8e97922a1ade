//! Records and the watermark that covers them.

use crate::world::{World, at, decision, enrolled, link, read, record, record_with};
use jiff::tz::TimeZone;
use rollbook_core::model::Field;
use rollbook_core::run::{OutcomeCode, Step, Verdict};
use rollbook_journal::{FeedRead, Ingested, Journal, OpenOptions};
use serde_json::json;

crate::rules! {
    watermark_moves_only_with_the_records_it_covers,
    watermark_never_goes_back,
    known_records_are_recognised_after_a_restart,
    known_record_with_another_enrolment_id_takes_it_over,
    one_record_given_twice_is_stored_once,
    due_records_come_back_as_the_feed_gave_them,
    records_that_could_not_be_read_stay_so,
    strange_texts_are_kept,
    settled_records_are_not_due,
    dropped_call_leaves_nothing_half,
    many_records_are_stored_in_pieces_and_all,
}

async fn watermark_moves_only_with_the_records_it_covers(world: World) {
    let (journal, lease, run) = world.started().await;
    assert_eq!(journal.links().state(&link()).await.unwrap().watermark, None);
    let records = [record(1), record(2)];
    let covered = Some((at(-120), at(0)));
    let with = FeedRead { records: &records, covered, watermark: Some(at(0)) };
    let ingested = journal.records().ingest(&lease, &run, &with, at(1)).await.unwrap();
    assert_eq!(ingested, Ingested { new: 2, known: 0, corrected: 0 });
    assert_eq!(journal.links().state(&link()).await.unwrap().watermark, Some(at(0)));
    let without = FeedRead { watermark: None, ..with };
    journal.records().ingest(&lease, &run, &without, at(2)).await.unwrap();
    assert_eq!(journal.links().state(&link()).await.unwrap().watermark, Some(at(0)));
    // The records cannot be stored: the watermark stays.
    let column = "ALTER TABLE record RENAME COLUMN mail_fold TO gone";
    world.sql("DROP VIEW local_psaelmsync_logs").await.unwrap();
    world.sql(column).await.unwrap();
    let journal = world.open().await;
    let with = FeedRead { records: &[record(3)], covered, watermark: Some(at(9)) };
    assert!(journal.records().ingest(&lease, &run, &with, at(9)).await.is_err());
    assert_eq!(journal.links().state(&link()).await.unwrap().watermark, Some(at(0)));
}

async fn watermark_never_goes_back(world: World) {
    let (journal, lease, run) = world.started().await;
    for minutes in [10, 5] {
        let read = FeedRead { records: &[], covered: None, watermark: Some(at(minutes)) };
        journal.records().ingest(&lease, &run, &read, at(11)).await.unwrap();
    }
    assert_eq!(journal.links().state(&link()).await.unwrap().watermark, Some(at(10)));
}

async fn known_records_are_recognised_after_a_restart(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record(2), record(3)];
    journal.records().ingest(&lease, &run, &read(&records[..2]), at(1)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&records[0])], at(2)).await.unwrap();
    journal.close().await;
    let journal = world.open().await;
    let all: Vec<_> = records.iter().map(|record| record.fingerprint).collect();
    let known = journal.records().known(&link(), &all).await.unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known[&records[0].fingerprint], OutcomeCode::Enrolled);
    assert_eq!(known[&records[1].fingerprint], OutcomeCode::Received);
    let ingested = journal.records().ingest(&lease, &run, &read(&records), at(3)).await.unwrap();
    assert_eq!(ingested, Ingested { new: 1, known: 2, corrected: 0 });
}

async fn known_record_with_another_enrolment_id_takes_it_over(world: World) {
    let (journal, lease, run) = world.started().await;
    let before = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&before)), at(1)).await.unwrap();
    let after = record_with(1, |row| row["ENROLMENT_ID"] = json!(777_777));
    assert_eq!(before.fingerprint, after.fingerprint);
    let ingested = journal.records().ingest(&lease, &run, &read(&[after]), at(2)).await.unwrap();
    assert_eq!(ingested, Ingested { new: 0, known: 1, corrected: 1 });
    let due = journal.records().due(&link(), &TimeZone::UTC, at(2), 10).await.unwrap();
    assert_eq!(due[0].record.get(Field::EnrolmentId), "777777");
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'corrected'").await, 1);
    let none = record_with(1, |row| row["ENROLMENT_ID"] = json!(null));
    assert_eq!(journal.records().ingest(&lease, &run, &read(&[none]), at(3)).await.unwrap().corrected, 0);
}

async fn one_record_given_twice_is_stored_once(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record_with(1, |row| row["ENROLMENT_ID"] = json!(9)), record(2)];
    for corrected in [0, 0] {
        let ingested = journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
        assert_eq!(ingested.corrected, corrected);
    }
    let due = journal.records().due(&link(), &TimeZone::UTC, at(2), 10).await.unwrap();
    assert_eq!(due.len(), 2);
    assert_eq!(due[0].record.get(Field::EnrolmentId), "9");
}

async fn due_records_come_back_as_the_feed_gave_them(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..50).map(record).collect();
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let due = journal.records().due(&link(), &TimeZone::UTC, at(1), 100).await.unwrap();
    let back: Vec<_> = due.iter().map(|waiting| waiting.record.clone()).collect();
    assert_eq!(back, records);
    assert!(due.iter().all(|waiting| waiting.attempts == 0 && waiting.first_seen == at(1)));
    assert!(due.iter().all(|waiting| waiting.code == OutcomeCode::Received && waiting.verdict.is_none()));
    assert_eq!(journal.records().due(&link(), &TimeZone::UTC, at(1), 7).await.unwrap().len(), 7);
    assert_eq!(journal.records().due(&link(), &TimeZone::UTC, at(0), 7).await.unwrap().len(), 0);
    let one = journal.records().find(&link(), &[records[3].fingerprint], &TimeZone::UTC).await.unwrap();
    assert_eq!(one[0].record, records[3]);
}

async fn records_that_could_not_be_read_stay_so(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [
        record_with(1, |row| row["GUID"] = json!(["a"])),
        record_with(2, |row| row["LAST_NAME"] = json!("é".repeat(5_000))),
        record_with(3, |row| *row = json!(7)),
        record_with(4, |row| row["COURSE_STATE"] = json!("Enroll")),
        record_with(5, |row| row["date_created"] = json!("soon")),
        record_with(6, |row| row["GUID"] = json!(null)),
    ];
    assert!(records.iter().all(|record| record.reading.is_err()));
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let due = journal.records().due(&link(), &TimeZone::UTC, at(1), 100).await.unwrap();
    let back: Vec<_> = due.into_iter().map(|waiting| waiting.record).collect();
    assert_eq!(back, records);
}

async fn strange_texts_are_kept(world: World) {
    let (journal, lease, run) = world.started().await;
    let names =
        ["José \"the\" O'Neill\\", "'; DROP TABLE record; --", "名前 🦊", "\\u0000", "a\tb\nc", "{rows} {lock}"];
    let records: Vec<_> = names
        .iter()
        .zip(0..)
        .map(|(name, n)| record_with(n, |row| row["LAST_NAME"] = json!(name)))
        .chain([record_with(99, |row| row["LAST_NAME"] = json!("nul\0here"))])
        .collect();
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let due = journal.records().due(&link(), &TimeZone::UTC, at(1), 100).await.unwrap();
    let back: Vec<_> = due.iter().map(|waiting| waiting.record.get(Field::LastName)).collect();
    let expected: Vec<String> = names.iter().map(|name| rollbook_core::model::normal(name).to_string()).collect();
    assert_eq!(back[..names.len()], expected);
    assert!(back[names.len()].starts_with("nul") && back[names.len()].ends_with("here"), "{back:?}");
}

async fn settled_records_are_not_due(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record(2), record(3)];
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let decisions = [
        enrolled(&records[0]),
        decision(&records[1], Verdict::CourseNotFound, Step::TryAt(at(2))),
        decision(&records[2], Verdict::Unknown { step: "enrol".into() }, Step::TryAt(at(9))),
    ];
    journal.records().decide(&lease, &run, &decisions, at(2)).await.unwrap();
    let due = journal.records().due(&link(), &TimeZone::UTC, at(5), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].code, due[0].attempts), (OutcomeCode::CourseNotFound, 1));
    assert_eq!(due[0].verdict, Some(Verdict::CourseNotFound));
    assert_eq!(journal.records().due(&link(), &TimeZone::UTC, at(9), 10).await.unwrap().len(), 2);
}

async fn dropped_call_leaves_nothing_half(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..3_000).map(record).collect();
    for micros in [1, 100, 1_000, 5_000, 20_000, 60_000] {
        let read = FeedRead { records: &records, covered: None, watermark: Some(at(1)) };
        let call = journal.records().ingest(&lease, &run, &read, at(1));
        let wait = std::time::Duration::from_micros(micros);
        let finished = tokio::time::timeout(wait, call).await.is_ok();
        let stored = world.number("SELECT COUNT(*) FROM record").await;
        let people = world.number("SELECT COUNT(*) FROM person").await;
        assert!((stored, people) == (0, 0) || (stored, people) == (3_000, 3_000), "{stored} {people}");
        assert_eq!(journal.links().state(&link()).await.unwrap().watermark.is_some(), stored > 0);
        if finished {
            assert_eq!(stored, 3_000);
        }
    }
    journal.records().ingest(&lease, &run, &read(&records), at(2)).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM record").await, 3_000);
}

async fn many_records_are_stored_in_pieces_and_all(world: World) {
    let options = OpenOptions { readers_max: 1, ..OpenOptions::default() };
    let journal = Journal::open(&world.address, &options).await.unwrap();
    let lease = journal.leases().acquire(&link(), "one", crate::world::TTL, at(0)).await.unwrap();
    let run = journal.runs().start(&lease, &crate::world::new_run(), at(0)).await.unwrap();
    let records: Vec<_> = (0..9_001).map(record).collect();
    let ingested = journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    assert_eq!(ingested, Ingested { new: 9_001, known: 0, corrected: 0 });
    let due = journal.records().due(&link(), &TimeZone::UTC, at(1), 20_000).await.unwrap();
    assert!(due.iter().map(|waiting| &waiting.record).eq(&records));
}
