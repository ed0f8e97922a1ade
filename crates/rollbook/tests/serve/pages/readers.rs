//! Two hundred people and programs that read while an intake writes: nobody is refused or kept waiting by a lock, and no row is
//! lost. Real processes over real sockets, on both databases; bounded by a number of requests, not by a time.

use super::start;
use crate::world::{Scene, link, run_now};
use jiff::SignedDuration;
use rollbook_clock::Clock;
use rollbook_core::run::RunState;
use rollbook_journal::requests::RequestState;
use rollbook_journal::{LogQuery, NewToken, RunFilter};
use rollbook_sandbox::{FeedRow, World};
use rollbook_settings::service::RoleName;
use rollbook_web::auth::{hash_secret, make_secret};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const READERS: usize = 200;
/// Each reader asks for so many pages.
const PAGES: usize = 5;
/// So many runs take so many new records each, at least.
const WAVES_MIN: i64 = 3;
const WAVES_MAX: i64 = 40;
const WAVE: i64 = 25;
const COURSE: i64 = 930_001;
const MORE: &str = "[server]\nlisten = \"127.0.0.1:0\"\napi_rate = 10000000\nstop_limit = \"10s\"\n";

fn guid(number: i64) -> String {
    format!("G{number:05}")
}

fn mail(number: i64) -> String {
    format!("person.{number}@example.org")
}

/// One course, and everybody has an account: a run does no more than enrol.
fn school() -> World {
    let mut world = World::empty();
    world.moodle.add_course(&COURSE.to_string(), "Fire safety");
    for number in 0..WAVE * WAVES_MAX {
        world.moodle.add_user(&guid(number), &mail(number), "Jane", &guid(number));
    }
    world
}

/// What the readers look at, people and programs in turn.
fn address(reader: usize, page: usize) -> String {
    let person = i64::try_from(reader).unwrap() % WAVE;
    let pages = [
        "/".to_owned(),
        "/log".to_owned(),
        format!("/log?q={}", mail(person)),
        format!("/people/psa/{}", guid(person)),
        "/runs".to_owned(),
        "/courses".to_owned(),
        "/attention".to_owned(),
        "/log.csv?q=person.1".to_owned(),
    ];
    let programs = [
        "/api/v1/records?link=psa".to_owned(),
        format!("/api/v1/explain?person={}&course={COURSE}", guid(person)),
        "/api/v1/runs".to_owned(),
        "/api/v1/attention".to_owned(),
        "/api/v1/links".to_owned(),
    ];
    let all: &[String] = if reader.is_multiple_of(2) { &pages } else { &programs };
    all[(reader / 2 + page) % all.len()].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_readers_beside_an_intake_lose_nothing_on_sqlite() {
    read_beside_an_intake(Scene::sqlite(school(), MORE).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_readers_beside_an_intake_lose_nothing_on_postgres() {
    read_beside_an_intake(Scene::postgres(school(), MORE).await).await;
}

async fn read_beside_an_intake(scene: Scene) {
    let (cookie, token) = admit(&scene).await;
    let (process, base) = start(&scene).await;
    rollbook_remote::http::install_tls();
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(200));
    let client = builder.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let left = Arc::new(AtomicUsize::new(READERS));
    let mut readers = tokio::task::JoinSet::new();
    // The first records are there before anybody asks for them.
    let mut waves = 0;
    wave(&scene, waves).await;
    for reader in 0..READERS {
        let (client, base, left) = (client.clone(), base.clone(), left.clone());
        let (name, value) = if reader.is_multiple_of(2) {
            ("cookie", format!("rollbook-session={cookie}"))
        } else {
            ("authorization", format!("Bearer {token}"))
        };
        readers.spawn(async move {
            let mut bad = Vec::new();
            for page in 0..PAGES {
                let url = format!("{base}{}", address(reader, page));
                match client.get(&url).header(name, &value).send().await {
                    Ok(answer) if answer.status() == 200 => drop(answer.bytes().await.unwrap()),
                    Ok(answer) => bad.push(format!("{url}: {} {}", answer.status(), answer.text().await.unwrap())),
                    Err(error) => bad.push(format!("{url}: {error:?}")),
                }
            }
            left.fetch_sub(1, Ordering::Relaxed);
            bad
        });
    }
    while waves < WAVES_MIN || (left.load(Ordering::Relaxed) > 0 && waves + 1 < WAVES_MAX) {
        waves += 1;
        wave(&scene, waves).await;
    }
    let bad: Vec<String> = readers.join_all().await.into_iter().flatten().collect();
    assert!(bad.is_empty(), "{} of {}: {:#?}\n{}", bad.len(), READERS * PAGES, &bad[..1], scene.log("pages"));
    assert_nothing_is_lost(&scene, (waves + 1) * WAVE).await;
    let log = scene.log("pages").to_lowercase();
    for word in ["lock", "busy", "incident", "panic"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
    drop(process);
    scene.end().await;
}

/// Somebody who is logged in, and a program with a token.
async fn admit(scene: &Scene) -> (String, String) {
    let (now, until) = (Clock::system().now(), Clock::system().now() + SignedDuration::from_hours(2));
    let (cookie, token) = (make_secret(), format!("rbk_{}", make_secret()));
    scene.journal.accounts().add("jo", RoleName::Administrator, None, "test", now).await.unwrap();
    scene.journal.sessions().open("jo", &hash_secret(&cookie), until, now).await.unwrap();
    let new = NewToken { name: "reader", hash: &hash_secret(&token), scope: "read", expires: until };
    scene.journal.tokens().add(&new, "test", now).await.unwrap();
    (cookie, token)
}

/// New records come, and a run takes them.
async fn wave(scene: &Scene, number: i64) {
    let now = Clock::system().now();
    for person in number * WAVE..(number + 1) * WAVE {
        let row = FeedRow::enrol(&guid(person), &mail(person), COURSE, now).named("Jane", &guid(person));
        scene.sandbox.world().elm.push(row.numbered(700_000 + person));
    }
    let id = scene.journal.requests().put(&run_now("psa"), "jo", now).await.unwrap();
    scene.finished(&[id]).await;
    let request = scene.journal.requests().find(id).await.unwrap().unwrap();
    assert_eq!(request.state, RequestState::Done, "{request:#?}\n{}", scene.log("pages"));
}

async fn assert_nothing_is_lost(scene: &Scene, records: i64) {
    let query = LogQuery { limit: 100_000, ..LogQuery::default() };
    let rows = scene.journal.records().log(&query).await.unwrap().rows;
    let wrong: Vec<_> = rows.iter().filter(|row| row.status != "Success").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let written: BTreeSet<_> = rows.iter().map(|row| row.fingerprint).collect();
    let records = usize::try_from(records).unwrap();
    assert_eq!((rows.len(), written.len()), (records, records), "each record once in the log");
    assert_eq!(scene.sandbox.world().moodle.enrolments.iter().count(), records, "each person is in the course");
    let filter = RunFilter { link: Some(link("psa")), limit: 10_000, ..RunFilter::default() };
    let runs = scene.journal.runs().list(&filter).await.unwrap();
    assert!(runs.iter().all(|run| run.state == RunState::Done), "{runs:#?}");
}
