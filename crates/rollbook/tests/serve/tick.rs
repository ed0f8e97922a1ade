//! What is due becomes one request, whatever the clock did meanwhile; a paused or switched-off link gets none.

use crate::world::{Scene, link, monday};
use jiff::Timestamp;
use rollbook_journal::RunFilter;
use rollbook_journal::requests::{Job, Narrow, Purpose, RequestState};
use rollbook_sandbox::World;
use rollbook_sync::scheduler::{tick, work_once};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SCHEDULE: &str = r#"
[server]
lease = "20s"
"#;

async fn scheduled(scene: &Scene, name: &str) -> usize {
    let all = scene.all_requests().await;
    all.iter()
        .filter(|request| request.asked_by == "schedule" && request.job.link() == Some(&link(name)))
        .inspect(|request| {
            let usual = Job::RunLink { link: link(name), purpose: Purpose::Apply, narrow: Narrow::Usual };
            assert_eq!(request.job, usual);
        })
        .count()
}

#[tokio::test]
async fn due_slot_becomes_one_request_however_often_and_by_whomever_it_is_looked_at() {
    let scene = Scene::sqlite(World::empty(), SCHEDULE).await;
    let (node, hand) = scene.node(monday());
    let (other, other_hand) = scene.node(monday());
    tick(&node).await.unwrap();
    assert_eq!(scheduled(&scene, "psa").await, 0, "what was due before anybody watched is nobody's");
    for hand in [&hand, &other_hand] {
        hand.advance(Duration::from_secs(6 * 60));
    }
    for _ in 0..3 {
        tick(&node).await.unwrap();
        tick(&other).await.unwrap();
    }
    assert_eq!((scheduled(&scene, "psa").await, scheduled(&scene, "done").await), (1, 1));
    assert_eq!(scheduled(&scene, "guilds").await, 0);
    let row = &scene.journal.schedule().list().await.unwrap()[&link("psa")];
    let shown = |time: Option<Timestamp>| time.unwrap().to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M").to_string();
    assert_eq!((shown(row.covered), shown(row.next)), ("17:05".to_owned(), "17:15".to_owned()));
    scene.end().await;
}

#[tokio::test]
async fn night_of_missed_slots_is_caught_up_by_one_run() {
    let scene = Scene::sqlite(World::empty(), SCHEDULE).await;
    let (node, hand) = scene.node(monday());
    tick(&node).await.unwrap();
    hand.advance(Duration::from_secs(26 * 60 * 60));
    tick(&node).await.unwrap();
    hand.advance(Duration::from_secs(60));
    tick(&node).await.unwrap();
    for name in ["psa", "done", "guilds"] {
        assert_eq!(scheduled(&scene, name).await, 1, "{name}");
    }
    scene.end().await;
}

#[tokio::test]
async fn jitter_delays_a_fresh_slot_within_its_bound_and_never_a_missed_one() {
    let more = "[link.jittery]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\nschedule = \"0 * * * *\"\njitter = \"10m\"\n";
    let scene = Scene::sqlite(World::empty(), more).await;
    let (node, hand) = scene.node(monday());
    tick(&node).await.unwrap();
    hand.advance(Duration::from_secs(60 * 60 + 1));
    tick(&node).await.unwrap();
    let slot = monday() + Duration::from_secs(60 * 60);
    let request = scene.all_requests().await.into_iter().find(|one| one.job.link() == Some(&link("jittery"))).unwrap();
    assert_eq!(request.state, RequestState::Waiting);
    // It is taken at the end of the jitter at the latest.
    hand.set(slot + Duration::from_secs(10 * 60));
    let taken = async |now| {
        let mut links = Vec::new();
        while let Some(taken) =
            scene.journal.requests().take("x", jiff::SignedDuration::from_mins(1), now).await.unwrap()
        {
            links.push(taken.job.link().cloned());
        }
        links
    };
    assert!(taken(node.clock.now()).await.contains(&Some(link("jittery"))));
    scene.end().await;
}

#[tokio::test]
async fn paused_link_runs_nothing_and_is_caught_up_by_one_run_when_it_goes_on() {
    let scene = Scene::sqlite(World::empty(), SCHEDULE).await;
    let (node, hand) = scene.node(monday());
    tick(&node).await.unwrap();
    scene.journal.links().pause(&link("psa"), "jo", "maintenance", monday()).await.unwrap();
    for _ in 0..5 {
        hand.advance(Duration::from_secs(10 * 60));
        tick(&node).await.unwrap();
    }
    assert_eq!((scheduled(&scene, "psa").await, scheduled(&scene, "done").await), (0, 1));
    assert_eq!(scene.journal.schedule().list().await.unwrap()[&link("psa")].next, None);
    scene.journal.links().resume(&link("psa"), "jo", node.clock.now()).await.unwrap();
    tick(&node).await.unwrap();
    tick(&node).await.unwrap();
    assert_eq!(scheduled(&scene, "psa").await, 1);
    scene.end().await;
}

#[tokio::test]
async fn persons_word_is_over_the_configurations_enabled() {
    let more = "[link.off]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\nenabled = false\n";
    let scene = Scene::sqlite(World::empty(), more).await;
    let (node, hand) = scene.node(monday());
    tick(&node).await.unwrap();
    hand.advance(Duration::from_secs(600));
    tick(&node).await.unwrap();
    assert_eq!(scheduled(&scene, "off").await, 0);
    scene.journal.schedule().switch(&link("off"), Some(true), "jo", "it is time", node.clock.now()).await.unwrap();
    scene.journal.schedule().switch(&link("done"), Some(false), "jo", "the ELM moves", node.clock.now()).await.unwrap();
    let before = scheduled(&scene, "done").await;
    hand.advance(Duration::from_secs(600));
    tick(&node).await.unwrap();
    assert_eq!((scheduled(&scene, "off").await, scheduled(&scene, "done").await), (1, before));
    scene.end().await;
}

/// The moments, in UTC, at which runs of a link began.
async fn began(scene: &Scene, name: &str) -> Vec<String> {
    let filter = RunFilter { link: Some(link(name)), limit: 1_000, ..RunFilter::default() };
    let mut runs = scene.journal.runs().list(&filter).await.unwrap();
    runs.sort_by_key(|run| run.started);
    runs.iter().map(|run| run.started.strftime("%H:%M").to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_nights_when_the_clocks_change_have_each_run_once_and_an_interval_without_hole_or_double() {
    // At 02:00 the clocks of New York go on to 03:00 in March, and in November back from 02:00 to 01:00.
    let zone = "timezone = \"America/New_York\"";
    let more = format!(
        "[link.nightly]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\nschedule = \"30 1 * * *\"\n{zone}\n\
         [link.gap]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\nschedule = \"0 2 * * *\"\n{zone}\n\
         [link.often]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\nschedule = \"*/30 * * * *\"\n{zone}\n"
    );
    for (from, until, nightly, gap, often) in [
        ("2026-03-07T23:00:00-05:00", "2026-03-08T06:00:00-04:00", "06:30", "07:00", 12),
        ("2026-10-31T23:00:00-04:00", "2026-11-01T06:00:00-05:00", "05:30", "07:00", 16),
    ] {
        let scene = Scene::sqlite(World::empty(), &more).await;
        for name in ["psa", "guilds", "done"] {
            scene
                .journal
                .schedule()
                .switch(&link(name), Some(false), "jo", "not here", from.parse().unwrap())
                .await
                .unwrap();
        }
        let (node, hand) = scene.node(from.parse().unwrap());
        let until: Timestamp = until.parse().unwrap();
        tick(&node).await.unwrap();
        while node.clock.now() < until {
            hand.advance(Duration::from_secs(5 * 60));
            tick(&node).await.unwrap();
            while work_once(&node, &CancellationToken::new()).await.unwrap() {}
        }
        assert_eq!(began(&scene, "nightly").await, [nightly], "{from}");
        assert_eq!(began(&scene, "gap").await, [gap], "{from}: 02:00 is not there, or there once");
        let all = began(&scene, "often").await;
        assert_eq!(all.len(), often, "{all:?}");
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert!(different.len() == often && all.iter().all(|at| at.ends_with(":00") || at.ends_with(":30")), "{all:?}");
        scene.end().await;
    }
}
