//! History taken over from the original plugin.

use crate::world::{World, at, link, read, record, record_with};
use jiff::tz::TimeZone;
use rollbook_core::model::{FeedRecord, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::OutcomeCode;
use rollbook_journal::{HistoryRow, Imported, Ingested, LogQuery};
use serde_json::json;

crate::rules! {
    record_of_the_history_is_recognised_when_it_comes_again,
    history_taken_over_twice_adds_nothing,
    history_keeps_the_originals_words,
    history_makes_late_records_stale_only_where_it_says_so,
}

fn row(record: FeedRecord, action: &str, status: &str, minutes: i64) -> HistoryRow {
    HistoryRow {
        record,
        action: action.into(),
        status: status.into(),
        at: at(minutes),
        course_id: MoodleCourseId(7),
        course_name: "Health and Safety".into(),
        user_id: MoodleUserId(42),
        applied: None,
    }
}

/// An enrolment that was completed, one that failed, and one that was repeated.
fn history() -> Vec<HistoryRow> {
    vec![
        row(record(1), "Enrol", "Success", -90),
        row(record(2), "Course not found", "Error", -80),
        row(record(3), "Enrol", "Success", -70),
        row(record(3), "Enrol", "Success", -60),
        row(record(1), "Complete", "Success", -50),
        row(record(1), "Manual Suspend", "Success", -40),
    ]
}

async fn record_of_the_history_is_recognised_when_it_comes_again(world: World) {
    let (journal, lease, run) = world.started().await;
    let imported = journal.records().import_history(&lease, &run, &history(), at(0)).await.unwrap();
    assert_eq!(imported, Imported { new: 6, known: 0 });
    let records = [record(1), record(2), record(3), record(4)];
    let ingested = journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    // The second failed there and was never tried again: here it is.
    assert_eq!(ingested, Ingested { new: 2, known: 2, corrected: 0 });
    let all: Vec<_> = records.iter().map(|record| record.fingerprint).collect();
    let known = journal.records().known(&link(), &all).await.unwrap();
    assert_eq!(known[&records[0].fingerprint], OutcomeCode::Imported);
    assert_eq!(known[&records[1].fingerprint], OutcomeCode::Received);
    let due = journal.records().due(&link(), &TimeZone::UTC, at(1), 9).await.unwrap();
    assert_eq!(due.len(), 2);
    let texts = journal.records().known_texts(&link(), &all).await.unwrap();
    assert_eq!(
        texts.keys().collect::<Vec<_>>(),
        [&records[1].fingerprint, &records[3].fingerprint]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
}

async fn history_taken_over_twice_adds_nothing(world: World) {
    let (journal, lease, run) = world.started().await;
    journal.records().import_history(&lease, &run, &history(), at(0)).await.unwrap();
    let again = journal.records().import_history(&lease, &run, &history(), at(1)).await.unwrap();
    assert_eq!(again, Imported { new: 0, known: 6 });
    // And in pieces.
    for piece in history().chunks(2) {
        assert_eq!(journal.records().import_history(&lease, &run, piece, at(1)).await.unwrap().new, 0);
    }
    assert_eq!(world.number("SELECT CAST(SUM(total) AS BIGINT) FROM tally").await, 6);
}

async fn history_keeps_the_originals_words(world: World) {
    let (journal, lease, run) = world.started().await;
    journal.records().import_history(&lease, &run, &history(), at(0)).await.unwrap();
    let page = journal.records().log(&LogQuery::default()).await.unwrap();
    let words: Vec<_> = page.rows.iter().map(|row| (row.action.as_str(), row.status.as_str())).collect();
    let expected = [
        ("Manual Suspend", "Success"),
        ("Complete", "Success"),
        ("Enrol", "Success"),
        ("Enrol", "Success"),
        ("Course not found", "Error"),
        ("Enrol", "Success"),
    ];
    assert_eq!(words, expected);
    assert_eq!(page.rows[0].at, at(-40));
    let completed = LogQuery { action: Some("Complete".into()), ..LogQuery::default() };
    assert_eq!(journal.records().log(&completed).await.unwrap().rows.len(), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM local_psaelmsync_logs WHERE action = 'Complete'").await, 1);
}

async fn history_makes_late_records_stale_only_where_it_says_so(world: World) {
    let (journal, lease, run) = world.started().await;
    let told = record_with(5, |row| row["date_created"] = json!(at(-30).to_string()));
    let mut rows = history();
    rows.push(HistoryRow { applied: AppliedState::of(&told), ..row(told.clone(), "Enrol", "Success", -30) });
    journal.records().import_history(&lease, &run, &rows, at(0)).await.unwrap();
    let people = [record(1).guid(), told.guid()];
    let applied = journal.records().applied(&link(), &people).await.unwrap();
    assert_eq!(applied.len(), 1);
    assert_eq!(applied.values().next().unwrap()[0].record, told.fingerprint);
}
