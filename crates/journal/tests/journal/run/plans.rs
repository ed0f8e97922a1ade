//! The plan and its intents are there before any effect; an approval counts once.

use crate::world::{TTL, World, at, decision, enrolled, link, new_run, read, record};
use rollbook_core::guard::Finding;
use rollbook_core::model::FeedRecord;
use rollbook_core::plan::Digest;
use rollbook_core::run::{Step, Verdict};
use rollbook_journal::{Intent, JournalError, NewPlan, PlanState};
use serde_json::json;

crate::rules! {
    intents_of_a_dead_run_are_found_until_their_outcome_is_recorded,
    intent_for_an_unknown_record_stores_no_plan,
    unknown_outcome_keeps_its_intent,
    approval_counts_once_and_until_its_end,
    refused_plan_made_again_is_one_and_keeps_a_persons_word,
    plan_that_nobody_wants_any_more_lapses_and_one_that_was_judged_stays,
    doubts_are_known_once_a_run_was_cleared,
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
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let digest = Digest("d1".into());
    let findings = [Finding::warn("new_accounts", "run", "close to the limit")];
    let plan = NewPlan { digest: &digest, body: "{}", findings: &findings, state: PlanState::Cleared, used: &[] };
    let intents = [intent(&records[0]), intent(&records[1])];
    journal.plans().store(&lease, &run, &plan, &intents, at(2)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&records[0])], at(3)).await.unwrap();
    // The process dies here.
    let lease = journal.leases().acquire(&link(), "two", TTL, at(10)).await.unwrap();
    let unsettled = journal.plans().unsettled_intents(&link()).await.unwrap();
    assert_eq!(unsettled.len(), 1);
    assert_eq!((unsettled[0].record, &unsettled[0].run), (records[1].fingerprint, &run));
    assert_eq!(unsettled[0].change, json!({"change": "enrol"}));
    let next = journal.runs().start(&lease, &new_run(), at(10)).await.unwrap();
    journal.records().decide(&lease, &next, &[enrolled(&records[1])], at(11)).await.unwrap();
    assert!(journal.plans().unsettled_intents(&link()).await.unwrap().is_empty());
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'intended'").await, 2);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'finding'").await, 1);
}

async fn intent_for_an_unknown_record_stores_no_plan(world: World) {
    let (journal, lease, run) = world.started().await;
    let digest = Digest("d1".into());
    let plan = NewPlan { digest: &digest, body: "{}", findings: &[], state: PlanState::Cleared, used: &[] };
    let error = journal.plans().store(&lease, &run, &plan, &[intent(&record(1))], at(2)).await.unwrap_err();
    assert!(matches!(error, JournalError::NotFound { .. }));
    assert_eq!(world.number("SELECT COUNT(*) FROM plan").await, 0);
}

async fn unknown_outcome_keeps_its_intent(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let digest = Digest("d1".into());
    let plan = NewPlan { digest: &digest, body: "{}", findings: &[], state: PlanState::Cleared, used: &[] };
    journal.plans().store(&lease, &run, &plan, &[intent(&record)], at(2)).await.unwrap();
    let unknown = decision(&record, Verdict::Unknown { step: "enrol".into() }, Step::TryAt(at(3)));
    journal.records().decide(&lease, &run, &[unknown], at(3)).await.unwrap();
    assert_eq!(journal.plans().unsettled_intents(&link()).await.unwrap().len(), 1);
    journal
        .records()
        .decide(&lease, &run, &[decision(&record, Verdict::AlreadyEnrolled, Step::Rest)], at(4))
        .await
        .unwrap();
    assert!(journal.plans().unsettled_intents(&link()).await.unwrap().is_empty());
}

fn plan_of<'a>(digest: &'a Digest, state: PlanState, used: &'a [i64]) -> NewPlan<'a> {
    NewPlan { digest, body: "{}", findings: &[], state, used }
}

async fn approval_counts_once_and_until_its_end(world: World) {
    let (journal, lease, run) = world.started().await;
    let digest = Digest("d1".into());
    let blocked = plan_of(&digest, PlanState::Blocked, &[]);
    let id = journal.plans().store(&lease, &run, &blocked, &[], at(1)).await.unwrap();
    let waits = journal.plans().open(&link()).await.unwrap();
    assert_eq!((waits.len(), waits[0].id, &waits[0].approval), (1, id, &None));
    journal.plans().approve(id, "ann", "a real reorganisation", at(60), at(2)).await.unwrap();
    let approved = journal.plans().open(&link()).await.unwrap();
    assert_eq!((approved[0].id, approved[0].approval.clone()), (id, Some(("ann".to_owned(), at(60)))));
    let other_link = rollbook_core::model::LinkName::new("another");
    assert!(journal.plans().open(&other_link).await.unwrap().is_empty());
    let used = [id];
    let late = plan_of(&digest, PlanState::Cleared, &used);
    let error = journal.plans().store(&lease, &run, &late, &[], at(60)).await.unwrap_err();
    assert!(matches!(error, JournalError::Conflict { .. }), "{error:?}");
    journal.plans().store(&lease, &run, &late, &[], at(4)).await.unwrap();
    assert!(journal.plans().store(&lease, &run, &late, &[], at(5)).await.is_err());
    let used = journal.plans().find(id).await.unwrap();
    assert_eq!((used.state, used.used_by), (PlanState::Used, Some(run)));
    assert!(journal.plans().open(&link()).await.unwrap().is_empty());
    assert_eq!(used.reviewed.unwrap().2, "a real reorganisation");
    let acts = journal.runs().acts(&link(), i64::MAX, 9).await.unwrap();
    assert_eq!((acts.len(), acts[0].author.as_str()), (1, "ann"));
}

async fn refused_plan_made_again_is_one_and_keeps_a_persons_word(world: World) {
    let (journal, lease, run) = world.started().await;
    let digest = Digest("d1".into());
    let blocked = plan_of(&digest, PlanState::Blocked, &[]);
    let id = journal.plans().store(&lease, &run, &blocked, &[], at(1)).await.unwrap();
    let next = journal.runs().start(&lease, &new_run(), at(10)).await.unwrap();
    assert_eq!(journal.plans().store(&lease, &next, &blocked, &[], at(11)).await.unwrap(), id);
    assert_eq!(journal.plans().find(id).await.unwrap().run, next);
    journal.plans().reject(id, "ann", "no", at(12)).await.unwrap();
    assert_eq!(journal.plans().store(&lease, &next, &blocked, &[], at(21)).await.unwrap(), id);
    assert_eq!(journal.plans().find(id).await.unwrap().state, PlanState::Rejected);
    let error = journal.plans().approve(id, "bob", "yes", at(60), at(22)).await.unwrap_err();
    assert!(matches!(error, JournalError::Conflict { .. }), "{error:?}");
    assert!(matches!(journal.plans().find(999).await, Err(JournalError::NotFound { .. })));
    assert!(matches!(journal.plans().reject(999, "a", "", at(1)).await, Err(JournalError::NotFound { .. })));
}

async fn plan_that_nobody_wants_any_more_lapses_and_one_that_was_judged_stays(world: World) {
    let (journal, lease, run) = world.started().await;
    let (one, two, three) = (Digest("d1".into()), Digest("d2".into()), Digest("d3".into()));
    let mut ids = Vec::new();
    for digest in [&one, &two, &three] {
        let plan = plan_of(digest, PlanState::Blocked, &[]);
        ids.push(journal.plans().store(&lease, &run, &plan, &[], at(1)).await.unwrap());
    }
    journal.plans().reject(ids[2], "ann", "no", at(2)).await.unwrap();
    let next = journal.runs().start(&lease, &new_run(), at(3)).await.unwrap();
    let over = [(ids[0], PlanState::Lapsed), (ids[1], PlanState::Superseded), (ids[2], PlanState::Lapsed)];
    journal.plans().retire(&lease, &next, &over, at(3)).await.unwrap();
    let mut states = Vec::new();
    for id in ids {
        states.push(journal.plans().find(id).await.unwrap().state);
    }
    assert_eq!(states, [PlanState::Lapsed, PlanState::Superseded, PlanState::Rejected]);
    assert!(journal.plans().open(&link()).await.unwrap().is_empty());
    let error = journal.plans().approve(1, "bob", "yes", at(60), at(4)).await;
    assert!(matches!(error, Err(JournalError::Conflict { .. })), "what has lapsed cannot be approved");
}

async fn doubts_are_known_once_a_run_was_cleared(world: World) {
    let (journal, lease, run) = world.started().await;
    let record = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&record)), at(1)).await.unwrap();
    let doubt = |minutes| {
        let verdict = Verdict::GuidChanged { holders: Box::new([]) };
        [decision(&record, verdict, Step::AskAt(at(minutes)))]
    };
    let digest = Digest("d1".into());
    journal.plans().store(&lease, &run, &plan_of(&digest, PlanState::Blocked, &[]), &[], at(1)).await.unwrap();
    journal.records().decide(&lease, &run, &doubt(2), at(2)).await.unwrap();
    assert!(journal.records().known_doubts(&link()).await.unwrap().is_empty());
    let next = journal.runs().start(&lease, &new_run(), at(10)).await.unwrap();
    journal.plans().store(&lease, &next, &plan_of(&digest, PlanState::Blocked, &[]), &[], at(10)).await.unwrap();
    journal.records().decide(&lease, &next, &doubt(11), at(11)).await.unwrap();
    assert!(journal.records().known_doubts(&link()).await.unwrap().is_empty());
    let cleared = journal.runs().start(&lease, &new_run(), at(20)).await.unwrap();
    journal.plans().store(&lease, &cleared, &plan_of(&digest, PlanState::Cleared, &[]), &[], at(20)).await.unwrap();
    journal.records().decide(&lease, &cleared, &doubt(21), at(21)).await.unwrap();
    assert!(journal.records().known_doubts(&link()).await.unwrap().contains(&record.fingerprint));
    let blocked = journal.runs().start(&lease, &new_run(), at(30)).await.unwrap();
    journal.plans().store(&lease, &blocked, &plan_of(&digest, PlanState::Blocked, &[]), &[], at(30)).await.unwrap();
    journal.records().decide(&lease, &blocked, &doubt(31), at(31)).await.unwrap();
    assert!(journal.records().known_doubts(&link()).await.unwrap().contains(&record.fingerprint));
}
