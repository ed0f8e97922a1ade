//! Runs, events and links as people read them.

use crate::world::{TTL, World, at, decision, link, new_run, read, record};
use rollbook_core::model::LinkName;
use rollbook_core::run::{Counts, EventKind, OutcomeCode, RunState, Step, Verdict};
use rollbook_journal::{JournalError, NewEvent, RunFilter};
use serde_json::json;

crate::rules! {
    runs_are_listed_newest_first_and_paged,
    run_is_found_by_the_beginning_of_its_id,
    events_of_a_run_come_in_their_order,
    long_payload_is_cut_and_stays_json,
    overview_says_how_each_link_stands,
    totals_are_the_sums_of_the_runs_since,
    paused_link_says_by_whom_and_goes_on,
    events_leave_by_retention_only,
}

async fn runs_are_listed_newest_first_and_paged(world: World) {
    let (journal, lease, first) = world.started().await;
    let mut ids = vec![first];
    for minutes in 1..5 {
        ids.push(journal.runs().start(&lease, &new_run(), at(minutes)).await.unwrap());
    }
    let mut listed = Vec::new();
    let mut filter = RunFilter { limit: 2, ..RunFilter::default() };
    loop {
        let runs = journal.runs().list(&filter).await.unwrap();
        let Some(last) = runs.last() else { break };
        filter.before = Some(last.number);
        listed.extend(runs.into_iter().map(|run| run.id));
    }
    ids.reverse();
    assert_eq!(listed, ids);
    let none = RunFilter { flow: Some("guilds".into()), ..RunFilter::default() };
    assert!(journal.runs().list(&none).await.unwrap().is_empty());
    let since = RunFilter { since: Some(at(3)), link: Some(link()), ..RunFilter::default() };
    assert_eq!(journal.runs().list(&since).await.unwrap().len(), 2);
}

async fn run_is_found_by_the_beginning_of_its_id(world: World) {
    let (journal, lease, first) = world.started().await;
    let second = journal.runs().start(&lease, &new_run(), at(600)).await.unwrap();
    assert_eq!(journal.runs().find(first.as_str()).await.unwrap().id, first);
    assert_eq!(journal.runs().find(&second.as_str()[..13]).await.unwrap().id, second);
    assert!(matches!(journal.runs().find("0").await.unwrap_err(), JournalError::Conflict { .. }));
    assert!(matches!(journal.runs().find("ffff").await.unwrap_err(), JournalError::NotFound { .. }));
}

async fn events_of_a_run_come_in_their_order(world: World) {
    let (journal, lease, run) = world.started().await;
    let events: Vec<_> = (0..25).map(|n| NewEvent::of(EventKind::Collected, json!({"n": n}))).collect();
    journal.runs().append_events(&lease, &run, &events, at(1)).await.unwrap();
    let mut after = 0;
    let mut seen = Vec::new();
    loop {
        let page = journal.runs().events(&run, after, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.id;
        seen.extend(page);
    }
    assert_eq!(seen.len(), 26);
    assert_eq!(seen[0].kind, EventKind::Started);
    assert!(seen[1..].iter().zip(0..).all(|(event, n)| event.payload == json!({"n": n})));
}

async fn long_payload_is_cut_and_stays_json(world: World) {
    let (journal, lease, run) = world.started().await;
    let long = NewEvent::of(EventKind::Alert, json!({"answer": "é\"".repeat(20_000)}));
    journal.runs().append_events(&lease, &run, &[long], at(1)).await.unwrap();
    let events = journal.runs().events(&run, 0, 9).await.unwrap();
    assert!(events[1].payload["cut"].as_str().unwrap().starts_with("{\"answer\""));
    assert!(world.number("SELECT CAST(MAX(LENGTH(payload)) AS BIGINT) FROM event").await < 40_000);
}

async fn overview_says_how_each_link_stands(world: World) {
    let (journal, lease, run) = world.started().await;
    let records = [record(1), record(2), record(3)];
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let ask = decision(&records[0], Verdict::CourseNotFound, Step::AskAt(at(2)));
    journal.records().decide(&lease, &run, &[ask], at(2)).await.unwrap();
    let overview = journal.links().overview(at(3)).await.unwrap();
    assert_eq!(overview.len(), 1);
    let link = &overview[0];
    assert_eq!(link.waiting[&OutcomeCode::Received], 2);
    assert_eq!(link.waiting[&OutcomeCode::CourseNotFound], 1);
    assert_eq!((link.attention, link.plans), (1, 0));
    assert_eq!(link.held_by.as_ref().unwrap().0, "one");
    assert_eq!(link.last_run.as_ref().unwrap().id, run);
    assert!(journal.links().overview(at(60)).await.unwrap()[0].held_by.is_none());
}

async fn totals_are_the_sums_of_the_runs_since(world: World) {
    let (journal, lease, first) = world.started().await;
    let counts = Counts { records: 5, enrolled: 3, skipped: 2, errors: 4, waiting: 1, ..Counts::default() };
    let worse = Counts { errors: 7, ..counts };
    journal.runs().finish(&lease, &first, RunState::Done, &worse, "", at(1)).await.unwrap();
    let second = journal.runs().start(&lease, &new_run(), at(10)).await.unwrap();
    journal.runs().finish(&lease, &second, RunState::Done, &counts, "", at(11)).await.unwrap();
    let all = journal.runs().totals_since(None, at(-9)).await.unwrap();
    assert_eq!(
        (all.enrolled, all.errors, all.waiting),
        (6, 7, 1),
        "what stands is met by each run, and is not added up"
    );
    assert_eq!(journal.runs().totals_since(Some(&link()), at(5)).await.unwrap(), counts);
    assert_eq!(journal.runs().totals_since(Some(&LinkName::new("x")), at(5)).await.unwrap(), Counts::default());
}

async fn paused_link_says_by_whom_and_goes_on(world: World) {
    let journal = world.open().await;
    journal.links().pause(&link(), "ann", "Moodle is being upgraded", at(1)).await.unwrap();
    assert!(matches!(journal.links().pause(&link(), "bob", "", at(2)).await, Err(JournalError::Conflict { .. })));
    let paused = journal.links().state(&link()).await.unwrap().paused.unwrap();
    assert_eq!(paused, (at(1), "ann".into(), "Moodle is being upgraded".into()));
    journal.links().resume(&link(), "bob", at(3)).await.unwrap();
    assert!(matches!(journal.links().resume(&link(), "bob", at(3)).await, Err(JournalError::Conflict { .. })));
    assert!(journal.links().state(&link()).await.unwrap().paused.is_none());
    let acts = journal.runs().acts(&link(), i64::MAX, 9).await.unwrap();
    assert_eq!(acts.iter().map(|act| act.author.as_str()).collect::<Vec<_>>(), ["bob", "ann"]);
}

async fn events_leave_by_retention_only(world: World) {
    let (journal, lease, run) = world.started().await;
    for minutes in [10, 20, 30] {
        let event = NewEvent::of(EventKind::Collected, json!({}));
        journal.runs().append_events(&lease, &run, &[event], at(minutes)).await.unwrap();
    }
    journal.leases().acquire(&link(), "x", TTL, at(1)).await.unwrap_err();
    assert_eq!(journal.maintenance().prune_events(at(0), "ann", at(99), 100).await.unwrap(), 0);
    assert_eq!(journal.maintenance().prune_events(at(25), "ann", at(99), 2).await.unwrap(), 2);
    assert_eq!(journal.maintenance().prune_events(at(25), "ann", at(99), 2).await.unwrap(), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'collected'").await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE author = 'ann'").await, 2);
    assert!(world.sql("DELETE FROM event").await.is_err());
}
