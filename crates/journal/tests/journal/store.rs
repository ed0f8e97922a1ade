//! The files, the schema, and what the database itself refuses.

use crate::world::{Engine, TTL, World, at, link, new_run, read, record, scans};
use rollbook_core::model::LinkName;
use rollbook_journal::{Journal, JournalError, OpenOptions};

crate::rules! {
    events_are_never_updated,
    statements_are_heard_by_the_search_for_scans,
    journal_newer_than_the_binary_is_refused,
    journal_is_at_hand_until_a_newer_one_was_here_or_it_is_gone,
    journal_opened_twice_at_once_is_migrated_once,
    existing_journal_is_migrated_with_its_rows_and_copied_first,
    full_disk_says_so_and_what_was_recorded_stays,
    address_that_cannot_be_used_is_refused_without_its_secret,
}

async fn events_are_never_updated(world: World) {
    let (_, _, _) = world.started().await;
    let update = world.sql("UPDATE event SET payload = '{}'").await.unwrap_err().to_string();
    assert!(update.contains("an event is never changed"), "{update}");
    let delete = world.sql("DELETE FROM event").await.unwrap_err().to_string();
    assert!(delete.contains("an event leaves by retention only"), "{delete}");
    if world.engine == Engine::Pg {
        assert!(world.sql("TRUNCATE event").await.is_err());
    }
    assert_eq!(world.events().await, 1);
}

async fn statements_are_heard_by_the_search_for_scans(world: World) {
    world.open().await.links().names().await.unwrap();
    assert!(scans::has_heard());
}

async fn journal_newer_than_the_binary_is_refused(world: World) {
    world.open().await.close().await;
    come_from_the_future(&world).await;
    let error = Journal::open(&world.address, &OpenOptions::default()).await.unwrap_err();
    assert!(matches!(error, JournalError::TooNew { found: 999, .. }), "{error:?}");
}

async fn come_from_the_future(world: &World) {
    let hash = if world.engine == Engine::Pg { "'\\x00'" } else { "x'00'" };
    let sql = format!(
        "INSERT INTO schema_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'from the future', TRUE, {hash}, 0)"
    );
    world.sql(&sql).await.unwrap();
}

async fn journal_is_at_hand_until_a_newer_one_was_here_or_it_is_gone(world: World) {
    let journal = world.open().await;
    journal.check_ready().await.unwrap();
    come_from_the_future(&world).await;
    assert!(matches!(journal.check_ready().await, Err(JournalError::TooNew { found: 999, .. })));
    world.sql("DELETE FROM schema_migrations WHERE version = 999").await.unwrap();
    journal.check_ready().await.unwrap();
    if world.engine == Engine::Sqlite {
        std::fs::remove_file(world.file()).unwrap();
        assert!(matches!(journal.check_ready().await, Err(JournalError::CannotOpen { .. })));
    } else {
        world.sql("DROP TABLE schema_migrations").await.unwrap();
        assert!(journal.check_ready().await.is_err());
    }
}

async fn journal_opened_twice_at_once_is_migrated_once(world: World) {
    let (one, two, three) = tokio::join!(world.open(), world.open(), world.open());
    for (journal, name) in [(one, "a"), (two, "b"), (three, "c")] {
        journal.leases().acquire(&LinkName::new(name), "x", TTL, at(0)).await.unwrap();
    }
    assert!(world.number("SELECT COUNT(*) FROM schema_migrations").await >= 3);
}

async fn existing_journal_is_migrated_with_its_rows_and_copied_first(world: World) {
    world.make_old_journal().await;
    world.sql("INSERT INTO link (name, created_ms, watermark_ms) VALUES ('elm-ss', 1, 2)").await.unwrap();
    world.sql("INSERT INTO event (link, at_ms, kind, payload) VALUES ('elm-ss', 3, 'trouble', '{}')").await.unwrap();
    let journal = world.open().await;
    let watermark = journal.links().state(&link()).await.unwrap().watermark.unwrap();
    assert_eq!(watermark.as_millisecond(), 2);
    assert!(world.sql("DELETE FROM event").await.is_err());
    if world.engine == Engine::Sqlite {
        let copy = world.file().with_file_name("journal.db.before-migration-2");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let copied = World { engine: world.engine, address: copy.display().to_string(), dir: world.dir };
        assert_eq!(copied.number("SELECT watermark_ms FROM link").await, 2);
        assert_eq!(copied.number("SELECT MAX(version) FROM schema_migrations").await, 1);
    }
}

async fn full_disk_says_so_and_what_was_recorded_stays(world: World) {
    if world.engine == Engine::Pg {
        // PostgreSQL has no bound of its own to fill; its code for a full disk is mapped beside SQLite's.
        return;
    }
    let options = OpenOptions { bytes_max: Some(2_000_000), ..OpenOptions::default() };
    let journal = Journal::open(&world.address, &options).await.unwrap();
    let lease = journal.leases().acquire(&link(), "one", TTL, at(0)).await.unwrap();
    let run = journal.runs().start(&lease, &new_run(), at(0)).await.unwrap();
    journal.records().ingest(&lease, &run, &read(&[record(1)]), at(1)).await.unwrap();
    let many: Vec<_> = (2..9_000).map(record).collect();
    let error = journal.records().ingest(&lease, &run, &read(&many), at(2)).await.unwrap_err();
    assert!(matches!(error, JournalError::Full(_)), "{error:?}");
    assert_eq!(world.number("SELECT COUNT(*) FROM record").await, 1);
    journal.records().ingest(&lease, &run, &read(&[record(2)]), at(3)).await.unwrap();
}

async fn address_that_cannot_be_used_is_refused_without_its_secret(world: World) {
    for address in
        ["mysql://ann:secret@host/db", "", "sqlite::memory:", "postgres://ann:secret@[bad", "/nowhere/at/all.db"]
    {
        let error = Journal::open(address, &OpenOptions::default()).await.unwrap_err();
        assert!(matches!(error, JournalError::CannotOpen { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"));
    }
    let file = world.dir.path().join("text.db");
    std::fs::write(&file, "this is no database, but it is longer than a header of one hundred bytes, ".repeat(9))
        .unwrap();
    let error = Journal::open(file.to_str().unwrap(), &OpenOptions::default()).await.unwrap_err();
    assert!(matches!(error, JournalError::Damaged(_)), "{error:?}");
}
