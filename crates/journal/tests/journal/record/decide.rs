//! What became of records: all of it in one transaction.

use crate::world::{World, at, decision, enrolled, link, read, record, record_with};
use jiff::tz::TimeZone;
use rollbook_core::model::{EnrolState, MoodleCourseId};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::{OutcomeCode, Step, Verdict};
use rollbook_journal::{Decision, JournalError, OutboxItem, OutboxKind};
use serde_json::json;

crate::rules! {
    decision_writes_record_event_state_and_mail_together,
    unchanged_verdict_of_a_waiting_record_adds_no_event_and_no_attempt,
    trouble_that_may_pass_counts_each_try,
    decision_on_an_unknown_record_writes_nothing,
    older_state_never_replaces_a_newer_one,
    one_mail_is_queued_however_often_it_is_decided,
    one_item_for_one_missing_course_closed_with_its_last_record,
    verdict_that_changes_moves_the_record_to_another_item,
    later_of_two_decisions_on_one_record_counts,
}

fn mail(n: u32) -> OutboxItem {
    OutboxItem {
        kind: OutboxKind::Mail,
        dedupe: format!("welcome {n}"),
        payload: json!({"to": "jane@example.org"}),
        next: at(0),
    }
}

async fn decision_writes_record_event_state_and_mail_together(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let before = world.events().await;
    let decision = Decision { mail: Some(mail(1)), ..enrolled(&record) };
    let decided = journal.records().decide(&lease, &run, &[decision], at(2)).await.unwrap();
    assert_eq!((decided.changed, decided.unchanged, decided.mails), (1, 0, 1));
    assert_eq!(world.events().await, before + 1);
    let sql = "SELECT COUNT(*) FROM record WHERE code = 'enrolled' AND standing = 'settled' AND status = 'Success'
        AND action = 'Enrol' AND course_id = 7 AND user_id = 42 AND next_try_ms IS NULL AND attempts = 1";
    assert_eq!(world.number(sql).await, 1);
    let applied = journal.records().applied(&link(), &[record.guid()]).await.unwrap();
    let state = AppliedState::of(&record).unwrap();
    assert_eq!(state.state, EnrolState::Enrol);
    assert_eq!(applied[&(record.guid().folded(), record.course())], [state]);
    assert_eq!(world.number("SELECT COUNT(*) FROM course WHERE name = 'Health and Safety' AND course_id = 7").await, 1);
}

async fn unchanged_verdict_of_a_waiting_record_adds_no_event_and_no_attempt(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let missing = |minutes| decision(&record, Verdict::CourseNotFound, Step::TryAt(at(minutes)));
    journal.records().decide(&lease, &run, &[missing(2)], at(2)).await.unwrap();
    let before = world.events().await;
    let decided = journal.records().decide(&lease, &run, &[missing(12)], at(12)).await.unwrap();
    assert_eq!((decided.changed, decided.unchanged), (0, 1));
    assert_eq!(world.events().await, before);
    let due = journal.records().due(&link(), &TimeZone::UTC, at(12), 9).await.unwrap();
    assert_eq!(due[0].attempts, 1);
}

async fn trouble_that_may_pass_counts_each_try(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    for minutes in [2, 5, 9] {
        let verdict = Verdict::Unknown { step: "enrol".into() };
        journal
            .records()
            .decide(&lease, &run, &[decision(&record, verdict, Step::TryAt(at(minutes)))], at(2))
            .await
            .unwrap();
    }
    let due = journal.records().due(&link(), &TimeZone::UTC, at(9), 9).await.unwrap();
    assert_eq!(due[0].attempts, 3);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'decided'").await, 1);
}

async fn decision_on_an_unknown_record_writes_nothing(world: World) {
    let (journal, lease, run) = world.started().await;
    let known = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&known)), at(1)).await.unwrap();
    let before = world.events().await;
    let decisions = [enrolled(&known), enrolled(&record(2))];
    let error = journal.records().decide(&lease, &run, &decisions, at(2)).await.unwrap_err();
    assert!(matches!(error, JournalError::NotFound { .. }), "{error:?}");
    assert_eq!(world.events().await, before);
    assert_eq!(journal.records().due(&link(), &TimeZone::UTC, at(2), 9).await.unwrap().len(), 1);
}

async fn older_state_never_replaces_a_newer_one(world: World) {
    let (journal, lease, run) = world.started().await;
    let newer = record_with(1, |row| row["date_created"] = json!(at(50).to_string()));
    let older = record_with(1, |row| row["date_created"] = json!(at(40).to_string()));
    let records = [newer.clone(), older.clone()];
    journal.records().ingest(&lease, &run, &read(&records), at(60)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&newer)], at(61)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&older)], at(62)).await.unwrap();
    let both = journal.records().applied(&link(), &[newer.guid()]).await.unwrap();
    assert_eq!(both.values().next().unwrap()[0].age.changed, at(50));
    journal.records().decide(&lease, &run, &[enrolled(&newer), enrolled(&older)], at(63)).await.unwrap();
    let both = journal.records().applied(&link(), &[newer.guid()]).await.unwrap();
    assert_eq!(both.values().next().unwrap()[0].age.changed, at(50));
}

async fn one_mail_is_queued_however_often_it_is_decided(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    for mails in [1, 0] {
        let decision = Decision { mail: Some(mail(1)), ..enrolled(&record) };
        assert_eq!(journal.records().decide(&lease, &run, &[decision], at(2)).await.unwrap().mails, mails);
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM outbox").await, 1);
}

async fn one_item_for_one_missing_course_closed_with_its_last_record(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record(21), record(41), record(2)];
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let ask: Vec<_> =
        records.iter().map(|record| decision(record, Verdict::CourseNotFound, Step::AskAt(at(2)))).collect();
    journal.records().decide(&lease, &run, &ask, at(2)).await.unwrap();
    let open = "SELECT COUNT(*) FROM attention WHERE closed_ms IS NULL";
    assert_eq!(world.number(open).await, 2);
    journal.records().decide(&lease, &run, &ask, at(12)).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM attention").await, 2);
    journal.records().decide(&lease, &run, &[enrolled(&records[0]), enrolled(&records[1])], at(13)).await.unwrap();
    assert_eq!(world.number(open).await, 2);
    journal.records().decide(&lease, &run, &[enrolled(&records[2])], at(14)).await.unwrap();
    assert_eq!(world.number(open).await, 1);
    assert_eq!(
        world.number("SELECT COUNT(*) FROM attention WHERE subject = '930001' AND closed_ms IS NOT NULL").await,
        1
    );
}

async fn verdict_that_changes_moves_the_record_to_another_item(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let ask = |verdict| [decision(&record, verdict, Step::AskAt(at(2)))];
    journal.records().decide(&lease, &run, &ask(Verdict::CourseNotFound), at(2)).await.unwrap();
    let courses = Box::new([MoodleCourseId(1), MoodleCourseId(2)]);
    journal.records().decide(&lease, &run, &ask(Verdict::CourseAmbiguous { courses }), at(3)).await.unwrap();
    let open = "SELECT COUNT(*) FROM attention WHERE closed_ms IS NULL AND kind = 'course_ambiguous'";
    assert_eq!(world.number(open).await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM attention WHERE closed_ms IS NOT NULL").await, 1);
}

async fn later_of_two_decisions_on_one_record_counts(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let first = decision(&record, Verdict::CourseNotFound, Step::TryAt(at(2)));
    journal.records().decide(&lease, &run, &[first, enrolled(&record)], at(2)).await.unwrap();
    let known = journal.records().known(&link(), &[record.fingerprint]).await.unwrap();
    assert_eq!(known[&record.fingerprint], OutcomeCode::Enrolled);
}
