//! The plan and its intents are there before any effect; an approval counts once.

use crate::world::{TTL, World, at, decision, enrolled, link, new_run, read, record};
use rollbook::journal::{Intent, JournalError, NewPlan, PlanState};
use rollbook_core::guard::Finding;
use rollbook_core::model::FeedRecord;
use rollbook_core::plan::Digest;
use rollbook_core::run::{Step, Verdict};
use serde_json::json;

crate::rules! {
    intents_of_a_dead_run_are_found_until_their_outcome_is_recorded,
    intent_for_an_unknown_record_stores_no_plan,
    unknown_outcome_keeps_its_intent,
}

fn intent(record: &FeedRecord) -> Intent {
    Intent {
        record: record.fingerprint,
        step: "enrol account 4 in course 7".into(),
        change: json!({"change": "enrol"}),
    }
}

async fn intents_of_a_dead_run_are_found_until_their_outcome_is_recorded(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record(2), record(3)];
    journal.ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let digest = Digest("d1".into());
    let findings = [Finding::warn("new_accounts", "run", "close to the limit")];
    let plan = NewPlan { digest: &digest, body: "{}", findings: &findings, state: PlanState::Cleared, approval: None };
    let intents = [intent(&records[0]), intent(&records[1])];
    journal.store_plan(&lease, &run, &plan, &intents, at(2)).await.unwrap();
    journal.decide(&lease, &run, &[enrolled(&records[0])], at(3)).await.unwrap();
    // The process dies here.
    let lease = journal.acquire(&link(), "two", TTL, at(10)).await.unwrap();
    let unsettled = journal.unsettled_intents(&link()).await.unwrap();
    assert_eq!(unsettled.len(), 1);
    assert_eq!((unsettled[0].record, &unsettled[0].run), (records[1].fingerprint, &run));
    assert_eq!(unsettled[0].change, json!({"change": "enrol"}));
    let next = journal.start_run(&lease, &new_run(), at(10)).await.unwrap();
    journal.decide(&lease, &next, &[enrolled(&records[1])], at(11)).await.unwrap();
    assert!(journal.unsettled_intents(&link()).await.unwrap().is_empty());
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'intended'").await, 2);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'finding'").await, 1);
}

async fn intent_for_an_unknown_record_stores_no_plan(world: World) {
    let (journal, lease, run) = world.started().await;
    let digest = Digest("d1".into());
    let plan = NewPlan { digest: &digest, body: "{}", findings: &[], state: PlanState::Cleared, approval: None };
    let error = journal.store_plan(&lease, &run, &plan, &[intent(&record(1))], at(2)).await.unwrap_err();
    assert!(matches!(error, JournalError::NotFound { .. }));
    assert_eq!(world.number("SELECT COUNT(*) FROM plan").await, 0);
}

async fn unknown_outcome_keeps_its_intent(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let digest = Digest("d1".into());
    let plan = NewPlan { digest: &digest, body: "{}", findings: &[], state: PlanState::Cleared, approval: None };
    journal.store_plan(&lease, &run, &plan, &[intent(&record)], at(2)).await.unwrap();
    let unknown = decision(&record, Verdict::Unknown { step: "enrol".into() }, Step::TryAt(at(3)));
    journal.decide(&lease, &run, &[unknown], at(3)).await.unwrap();
    assert_eq!(journal.unsettled_intents(&link()).await.unwrap().len(), 1);
    journal.decide(&lease, &run, &[decision(&record, Verdict::AlreadyEnrolled, Step::Rest)], at(4)).await.unwrap();
    assert!(journal.unsettled_intents(&link()).await.unwrap().is_empty());
}
