//! What waits for a human, and what a human's word does.

use crate::world::{World, at, decision, enrolled, link, read, record};
use jiff::tz::TimeZone;
use rollbook_core::model::{FeedRecord, RunId};
use rollbook_core::run::{OutcomeCode, Step, Verdict};
use rollbook_journal::{AttentionFilter, Journal, JournalError, Lease, LogQuery, Resolution};
use serde_json::json;

crate::rules! {
    release_lets_every_record_behind_the_item_be_tried,
    same_trouble_after_a_release_is_asked_again,
    ignored_records_are_settled_and_say_by_whom,
    run_under_way_does_not_undo_an_ignore,
    item_is_resolved_once,
    waiting_record_is_tried_again_by_a_persons_word,
    item_without_records_is_asked_once_and_closed_when_its_cause_is_gone,
}

/// Three records behind one item.
async fn stuck(journal: &Journal, lease: &Lease, run: &RunId) -> Vec<FeedRecord> {
    let records = vec![record(1), record(21), record(41)];
    journal.records().ingest(lease, run, &read(&records), at(1)).await.unwrap();
    ask(journal, lease, run, &records, 2).await;
    records
}

async fn ask(journal: &Journal, lease: &Lease, run: &RunId, records: &[FeedRecord], minutes: i64) {
    let ask: Vec<_> =
        records.iter().map(|record| decision(record, Verdict::CourseNotFound, Step::AskAt(at(99)))).collect();
    journal.records().decide(lease, run, &ask, at(minutes)).await.unwrap();
}

async fn release_lets_every_record_behind_the_item_be_tried(world: World) {
    let (journal, lease, run) = world.started().await;
    stuck(&journal, &lease, &run).await;
    let open = journal.attention().list(&AttentionFilter::default(), 9).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].kind.as_str(), open[0].subject.as_str(), open[0].records), ("course_not_found", "930001", 3));
    assert_eq!(open[0].title, "930001: no Moodle course has this ID number");
    assert_eq!(journal.attention().records_behind(open[0].id, 0, 2).await.unwrap().len(), 2);
    assert!(journal.records().due(&link(), &TimeZone::UTC, at(5), 9).await.unwrap().is_empty());
    let resolved = journal
        .attention()
        .resolve(open[0].id, Resolution::Release, "try again", "ann", "course made", at(5))
        .await
        .unwrap();
    assert_eq!(resolved.records, 3);
    assert_eq!(journal.records().due(&link(), &TimeZone::UTC, at(5), 9).await.unwrap().len(), 3);
    assert!(journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().is_empty());
    let closed = journal.attention().find(open[0].id).await.unwrap();
    assert_eq!(closed.resolution, Some(("try again".into(), "ann".into(), "course made".into())));
    let acts = journal.runs().acts(&link(), i64::MAX, 9).await.unwrap();
    assert_eq!(acts.len(), 3);
    assert!(acts.iter().all(|act| act.author == "ann" && act.record.is_some()));
}

async fn same_trouble_after_a_release_is_asked_again(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = stuck(&journal, &lease, &run).await;
    let first = journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().remove(0);
    journal.attention().resolve(first.id, Resolution::Release, "try again", "ann", "", at(5)).await.unwrap();
    ask(&journal, &lease, &run, &records, 6).await;
    let second = journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().remove(0);
    assert!(second.id > first.id);
    assert_eq!(second.records, 3);
}

async fn ignored_records_are_settled_and_say_by_whom(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = stuck(&journal, &lease, &run).await;
    let item = journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().remove(0);
    let resolved = journal
        .attention()
        .resolve(item.id, Resolution::Ignore, "ignore", "ann", "a test course", at(5))
        .await
        .unwrap();
    assert_eq!(resolved.records, 3);
    let known = journal.records().known(&link(), &[records[0].fingerprint]).await.unwrap();
    assert_eq!(known[&records[0].fingerprint], OutcomeCode::Ignored);
    assert!(journal.records().due(&link(), &TimeZone::UTC, at(999), 9).await.unwrap().is_empty());
    let rows =
        journal.records().log(&LogQuery { status: Some("Skipped".into()), ..LogQuery::default() }).await.unwrap().rows;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].reason, "ignored by decision: a test course");
    let story = journal.people().story(&link(), &records[0].guid(), None).await.unwrap();
    let act = story.events.last().unwrap();
    assert_eq!((act.author.as_str(), &act.payload["reason"]), ("ann", &json!("a test course")));
    let tally = "SELECT total FROM tally WHERE status = 'Skipped' AND course = '930001'";
    assert_eq!(world.number(tally).await, 3);
}

async fn run_under_way_does_not_undo_an_ignore(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = stuck(&journal, &lease, &run).await;
    let item = journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().remove(0);
    journal.attention().resolve(item.id, Resolution::Ignore, "ignore", "ann", "", at(5)).await.unwrap();
    ask(&journal, &lease, &run, &records[..2], 6).await;
    journal.records().decide(&lease, &run, &[enrolled(&records[2])], at(7)).await.unwrap();
    let all: Vec<_> = records.iter().map(|record| record.fingerprint).collect();
    let known = journal.records().known(&link(), &all).await.unwrap();
    assert_eq!(known[&records[0].fingerprint], OutcomeCode::Ignored);
    assert_eq!(known[&records[2].fingerprint], OutcomeCode::Enrolled);
    assert!(journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().is_empty());
}

async fn item_is_resolved_once(world: World) {
    let (journal, lease, run) = world.started().await;
    stuck(&journal, &lease, &run).await;
    let item = journal.attention().list(&AttentionFilter::default(), 9).await.unwrap().remove(0);
    journal.attention().resolve(item.id, Resolution::Release, "try again", "ann", "", at(5)).await.unwrap();
    let twice = journal.attention().resolve(item.id, Resolution::Ignore, "ignore", "bob", "", at(6)).await.unwrap_err();
    assert!(matches!(twice, JournalError::Conflict { .. }), "{twice:?}");
    let missing = journal.attention().resolve(999, Resolution::Ignore, "ignore", "bob", "", at(6)).await.unwrap_err();
    assert!(matches!(missing, JournalError::NotFound { .. }), "{missing:?}");
}

async fn waiting_record_is_tried_again_by_a_persons_word(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record(2)];
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let later = decision(&records[0], Verdict::Unknown { step: "enrol".into() }, Step::TryAt(at(60)));
    journal.records().decide(&lease, &run, &[later, enrolled(&records[1])], at(2)).await.unwrap();
    let both = [records[0].fingerprint, records[1].fingerprint];
    assert_eq!(journal.records().retry(&link(), &both, "ann", "Moodle is back", at(3)).await.unwrap(), 1);
    let due = journal.records().due(&link(), &TimeZone::UTC, at(3), 9).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].code, OutcomeCode::Unknown);
    assert_eq!(journal.runs().acts(&link(), i64::MAX, 9).await.unwrap().len(), 1);
}

async fn item_without_records_is_asked_once_and_closed_when_its_cause_is_gone(world: World) {
    let (journal, _, _) = world.started().await;
    let ask = async |minutes| {
        let evidence = json!({"user": 4});
        journal
            .attention()
            .open(&link(), "no_enrolment_record", "guid1 in 930001", "no record", &evidence, at(minutes))
            .await
            .unwrap()
    };
    let id = ask(1).await;
    assert_eq!(ask(2).await, id);
    assert_eq!(journal.attention().find(id).await.unwrap().seen, at(2));
    assert!(journal.attention().close(&link(), "no_enrolment_record", "guid1 in 930001", at(3)).await.unwrap());
    assert!(!journal.attention().close(&link(), "no_enrolment_record", "guid1 in 930001", at(4)).await.unwrap());
    assert_ne!(ask(5).await, id);
}
