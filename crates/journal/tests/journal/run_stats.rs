//! Figures of runs for charts, and the numbers beside the navigation.

use crate::rules;
use crate::world::{World, at, link, new_run};
use rollbook_core::model::LinkName;
use rollbook_core::run::{Counts, RunKind, RunState};
use rollbook_journal::NewRun;
use serde_json::json;

rules!(runs_are_added_up_by_quarters_of_an_hour, open_items_are_counted_for_the_navigation, numbers_are_what_is_there,);

async fn runs_are_added_up_by_quarters_of_an_hour(world: World) {
    let journal = world.open().await;
    let lease = journal.leases().acquire(&link(), "one", crate::world::TTL, at(0)).await.unwrap();
    let counts = Counts { enrolled: 3, suspended: 2, errors: 1, ..Counts::default() };
    for (minute, kind) in [(0, RunKind::Normal), (14, RunKind::Scoped), (15, RunKind::Normal), (16, RunKind::Import)] {
        let run = journal.runs().start(&lease, &NewRun { kind, ..new_run() }, at(minute)).await.unwrap();
        journal.runs().finish(&lease, &run, RunState::Done, &counts, "", at(minute)).await.unwrap();
    }
    let figures = journal.runs().stats("intake", None, (at(0), at(60))).await.unwrap();
    // The same record in trouble is met by each run: it is one.
    let told: Vec<_> = figures.iter().map(|f| (f.from, f.runs, f.enrolled, f.suspended, f.errors)).collect();
    assert_eq!(told, [(at(0), 2, 6, 4, 1), (at(15), 1, 3, 2, 1)]);
    assert!(journal.runs().stats("guilds", None, (at(0), at(60))).await.unwrap().is_empty());
    assert!(journal.runs().stats("intake", Some(&LinkName::new("other")), (at(0), at(60))).await.unwrap().is_empty());
    assert_eq!(journal.runs().stats("intake", Some(&link()), (at(15), at(16))).await.unwrap().len(), 1);
}

async fn open_items_are_counted_for_the_navigation(world: World) {
    let (journal, _, _) = world.started().await;
    assert_eq!(journal.attention().open_counts().await.unwrap(), (0, 0));
    let id =
        journal.attention().open(&link(), "report_refused", "1", "it was refused", &json!({}), at(1)).await.unwrap();
    assert_eq!(journal.attention().open_counts().await.unwrap(), (1, 0));
    journal.attention().resolve(id, rollbook_journal::Resolution::Ignore, "ignore", "jane", "so", at(2)).await.unwrap();
    assert_eq!(journal.attention().open_counts().await.unwrap(), (0, 0));
}

async fn numbers_are_what_is_there(world: World) {
    let (journal, lease, run) = world.started().await;
    let text = |words: [&str; 3]| (words[0].to_owned(), words[1].to_owned(), words[2].to_owned());
    let name = link().to_string();
    assert_eq!(journal.metrics().await.unwrap().runs[&text([&name, "intake", "running"])], 1);
    let records = [crate::world::record(1), crate::world::record(2)];
    journal.records().ingest(&lease, &run, &crate::world::read(&records), at(1)).await.unwrap();
    journal.records().decide(&lease, &run, &[crate::world::enrolled(&records[0])], at(2)).await.unwrap();
    journal.requests().put(&rollbook_journal::requests::Job::Examine { site: None }, "jane", at(3)).await.unwrap();
    let numbers = journal.metrics().await.unwrap();
    assert_eq!(numbers.records[&(name.clone(), "Success".to_owned())], 1);
    assert_eq!(numbers.records.values().sum::<u64>(), 2);
    assert_eq!(numbers.requests[&("examine".to_owned(), "waiting".to_owned())], 1);
}
