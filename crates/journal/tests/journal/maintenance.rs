//! Personal data leave in time and the numbers stay; a backup takes the journal's place.

use crate::world::{Engine, TTL, World, at, decision, enrolled, link, read, record, record_with};
use rollbook_core::model::{Guid, LinkName, RoleName};
use rollbook_core::run::{Step, Verdict};
use rollbook_journal::{Journal, JournalError, LogQuery, NewToken, OpenOptions, PruneScope, Pruned, restore};
use std::fs;

crate::rules! {
    nothing_is_left_of_those_who_are_gone_and_the_numbers_stay,
    whoever_still_learns_keeps_the_enrolment_record,
    whoever_waits_or_is_new_is_left_alone,
    forgotten_record_is_still_known,
    preview_removes_nothing,
    sound_journal_checks_well,
    backup_takes_the_place_and_pauses_what_would_report_twice,
    backup_brings_no_access_back_that_was_withdrawn,
    backup_is_refused_while_somebody_writes_and_when_it_is_none,
}

/// Long after everything.
const LATER: i64 = 3 * 365 * 24 * 60;

/// Ten people who were enrolled, of whom the first five were suspended later; person 11 waits.
async fn school(world: &World) -> Journal {
    let (journal, lease, run) = world.started().await;
    let came: Vec<_> = (1..=11).map(record).collect();
    let went: Vec<_> = (1..=5)
        .map(|n| {
            record_with(n, |row| {
                row["COURSE_STATE"] = "Suspend".into();
                row["date_created"] = at(90).to_string().into();
            })
        })
        .collect();
    journal.records().ingest(&lease, &run, &read(&came), at(0)).await.unwrap();
    journal.records().ingest(&lease, &run, &read(&went), at(0)).await.unwrap();
    let mut decisions: Vec<_> = came[..10].iter().map(enrolled).collect();
    let waits = Verdict::NotTried { why: "Moodle was away".into() };
    decisions.push(decision(&came[10], waits, Step::TryAt(at(60))));
    journal.records().decide(&lease, &run, &decisions, at(2)).await.unwrap();
    let gone: Vec<_> = went
        .iter()
        .map(|record| rollbook_journal::Decision { verdict: Verdict::Suspended, ..enrolled(record) })
        .collect();
    journal.records().decide(&lease, &run, &gone, at(95)).await.unwrap();
    journal
}

async fn names_left(world: &World, person: u32) -> i64 {
    let guid = format!("guid{person:07}");
    let mut left = 0;
    for (table, column) in
        [("record", "guid_fold"), ("person", "guid_fold"), ("applied", "guid_fold"), ("event", "guid_fold")]
    {
        left += world.number(&format!("SELECT COUNT(*) FROM {table} WHERE {column} = '{guid}'")).await;
    }
    let texts = format!("last_name = 'Doe{person}' OR LOWER(mail) = 'person.{person}@example.org'");
    left + world.number(&format!("SELECT COUNT(*) FROM record WHERE {texts}")).await
}

async fn nothing_is_left_of_those_who_are_gone_and_the_numbers_stay(world: World) {
    let journal = school(&world).await;
    let tally = "SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM tally";
    let (lines, total) = (world.number("SELECT COUNT(*) FROM record").await, world.number(tally).await);
    let pruned = journal.maintenance().prune(at(LATER), PruneScope::Finished, "jo", at(LATER + 1)).await.unwrap();
    assert_eq!((pruned.people, pruned.lines), (5, 10));
    for person in 1..=5 {
        assert_eq!(names_left(&world, person).await, 0, "person {person}");
    }
    assert_eq!(world.number("SELECT COUNT(*) FROM record").await, lines);
    assert_eq!(world.number(tally).await, total);
    let acts = journal.runs().acts(&LinkName::new(""), i64::MAX, 9).await.unwrap();
    assert!(
        acts.iter()
            .any(|act| act.author == "jo" && act.payload["act"] == "prune" && act.payload["gone"]["people"] == 5)
    );
    let again = journal.maintenance().prune(at(LATER), PruneScope::Finished, "jo", at(LATER + 2)).await.unwrap();
    assert_eq!(again, Pruned::default());
}

async fn whoever_still_learns_keeps_the_enrolment_record(world: World) {
    let journal = school(&world).await;
    journal.maintenance().prune(at(LATER), PruneScope::Finished, "jo", at(LATER + 1)).await.unwrap();
    let story = journal.people().story(&link(), &Guid::new("GUID0000007"), None).await.unwrap();
    assert_eq!((story.records.len(), story.applied.len()), (1, 1));
    let pruned = journal.maintenance().prune(at(LATER), PruneScope::Everybody, "jo", at(LATER + 1)).await.unwrap();
    assert_eq!(pruned.people, 5, "the other five; the one who waits stays");
    assert_eq!(names_left(&world, 7).await, 0);
}

async fn whoever_waits_or_is_new_is_left_alone(world: World) {
    let journal = school(&world).await;
    journal.maintenance().prune(at(LATER), PruneScope::Everybody, "jo", at(LATER + 1)).await.unwrap();
    let due = journal.records().due(&link(), &jiff::tz::TimeZone::UTC, at(LATER), 9).await.unwrap();
    assert_eq!(due.len(), 1, "what waits is still tried");
    let lease = journal.leases().acquire(&link(), "two", TTL, at(LATER)).await.unwrap();
    let run = journal.runs().start(&lease, &crate::world::new_run(), at(LATER)).await.unwrap();
    let fresh = record(30);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&fresh)), at(LATER)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&fresh)], at(LATER)).await.unwrap();
    let pruned = journal.maintenance().prune(at(LATER - 60), PruneScope::Everybody, "jo", at(LATER + 1)).await.unwrap();
    assert_eq!(pruned.people, 0);
}

async fn forgotten_record_is_still_known(world: World) {
    let journal = school(&world).await;
    journal.maintenance().prune(at(LATER), PruneScope::Finished, "jo", at(LATER + 1)).await.unwrap();
    let known = journal.records().known(&link(), &[record(1).fingerprint]).await.unwrap();
    assert_eq!(known.len(), 1, "a feed that shows it once more enrols nobody again");
    let page = journal.records().log(&LogQuery { limit: 50, ..LogQuery::default() }).await.unwrap();
    assert_eq!(page.rows.len(), 16);
}

async fn preview_removes_nothing(world: World) {
    let journal = school(&world).await;
    let events = world.events().await;
    let preview = journal.maintenance().preview(at(LATER), PruneScope::Finished).await.unwrap();
    assert_eq!((preview.people, preview.lines), (5, 10));
    assert_eq!(i64::try_from(preview.events).unwrap(), events);
    assert_eq!(world.events().await, events);
    let pruned = journal.maintenance().prune(at(LATER), PruneScope::Finished, "jo", at(LATER + 1)).await.unwrap();
    assert_eq!(pruned, preview);
}

async fn sound_journal_checks_well(world: World) {
    let journal = school(&world).await;
    let checked = journal.maintenance().check().await.unwrap();
    assert_eq!((checked.runs, checked.damage.len()), (1, 0));
    assert!(checked.version >= 5);
    assert_eq!(
        world.number("SELECT COUNT(*) FROM retention").await,
        0,
        "the proof that it can be written is taken back"
    );
}

async fn backup_takes_the_place_and_pauses_what_would_report_twice(world: World) {
    if world.engine == Engine::Pg {
        let journal = world.open().await;
        let refused = journal.back_up(&world.file()).await.unwrap_err();
        assert!(matches!(refused, JournalError::CannotOpen { .. }), "{refused:?}");
        return;
    }
    let journal = school(&world).await;
    let copy = world.dir.path().join("copy.db");
    journal.back_up(&copy).await.unwrap();
    journal.links().pause(&link(), "jo", "later", at(5)).await.unwrap();
    journal.close().await;
    let links = [link(), LinkName::new("never run")];
    let restored = restore(&copy, &world.file(), &links, "jo", at(100_000)).await.unwrap();
    assert_eq!(restored.paused, [link()]);
    assert_eq!(restored.newest, Some(at(95)));
    assert!(restored.replaced.unwrap().exists());
    let journal = world.open().await;
    let (_, by, why) = journal.links().state(&link()).await.unwrap().paused.unwrap();
    assert!(by == "jo" && why.contains("restored from a backup"), "{why}");
    assert_eq!(journal.records().log(&LogQuery { limit: 50, ..LogQuery::default() }).await.unwrap().rows.len(), 16);
    journal.leases().acquire(&link(), "another", TTL, at(0)).await.unwrap();
}

async fn backup_brings_no_access_back_that_was_withdrawn(world: World) {
    if world.engine == Engine::Pg {
        return;
    }
    let journal = school(&world).await;
    for (name, role) in [("ann", RoleName::Administrator), ("ben", RoleName::Operator), ("cem", RoleName::Viewer)] {
        journal.accounts().add(name, role, None, "cli", at(100)).await.unwrap();
    }
    for name in ["leaked", "good"] {
        let token = NewToken { name, hash: name, scope: "read", expires: at(200_000) };
        journal.tokens().add(&token, "ann", at(100)).await.unwrap();
    }
    journal.sessions().open("cem", "cookie", at(200_000), at(100)).await.unwrap();
    let copy = world.dir.path().join("copy.db");
    journal.back_up(&copy).await.unwrap();
    let leaked = journal.tokens().list().await.unwrap().into_iter().find(|token| token.name == "leaked").unwrap();
    journal.tokens().revoke(leaked.id, "ann", at(101)).await.unwrap();
    journal.accounts().add("dee", RoleName::Administrator, None, "cli", at(101)).await.unwrap();
    journal.accounts().set_disabled("ann", true, "dee", at(102)).await.unwrap();
    journal.accounts().set_role("ben", RoleName::Viewer, "dee", at(102)).await.unwrap();
    journal.close().await;
    let restored = restore(&copy, &world.file(), &[], "jo", at(100_000)).await.unwrap();
    assert!(restored.is_compared);
    assert_eq!(
        (restored.withdrawn.accounts, restored.withdrawn.tokens),
        (vec!["ann".into(), "ben".into()], vec!["leaked".into()])
    );
    let journal = world.open().await;
    assert!(journal.tokens().find("leaked", at(100_001)).await.unwrap().is_none());
    assert!(journal.tokens().find("good", at(100_001)).await.unwrap().is_some());
    let idle = jiff::SignedDuration::from_hours(100_000);
    assert!(journal.sessions().find("cookie", idle, false, at(100_001)).await.unwrap().is_none());
    let disabled = journal.accounts().list().await.unwrap().into_iter().filter(|account| account.disabled.is_some());
    assert_eq!(disabled.map(|account| account.name).collect::<Vec<_>>(), ["ann", "ben"]);
    journal.accounts().set_disabled("ben", false, "jo", at(100_002)).await.unwrap();
}

async fn backup_is_refused_while_somebody_writes_and_when_it_is_none(world: World) {
    if world.engine == Engine::Pg {
        return;
    }
    let (journal, _, _) = world.started().await;
    let copy = world.dir.path().join("copy.db");
    journal.back_up(&copy).await.unwrap();
    journal.close().await;
    let busy = restore(&copy, &world.file(), &[], "jo", at(1)).await.unwrap_err();
    assert!(busy.to_string().contains("in use by one"), "{busy}");
    let cut = world.dir.path().join("cut.db");
    let bytes = fs::read(&copy).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let text = world.dir.path().join("text.db");
    fs::write(&text, "not a journal at all, whatever its name says").unwrap();
    for none in [&cut, &text, &world.dir.path().join("absent.db")] {
        restore(none, &world.file(), &[], "jo", at(100_000)).await.unwrap_err();
    }
    let journal = Journal::open(&world.address, &OpenOptions::default()).await.unwrap();
    assert_eq!(journal.maintenance().check().await.unwrap().runs, 1, "the journal is as it was");
}
