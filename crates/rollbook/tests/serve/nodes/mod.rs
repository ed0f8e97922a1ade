//! Two processes on one PostgreSQL: they share the work, one takes over when the other is killed, and no link is ever run
//! twice at once. Real processes, killed without a word at moments that a seed chooses.

mod hung;

use crate::world::{Process, Scene, link, run_now, until};
use rollbook_clock::Clock;
use rollbook_core::run::RunState;
use rollbook_journal::RunFilter;
use rollbook_journal::requests::{Job, JobOutcome, Narrow, Purpose, RequestState};
use rollbook_sandbox::{Fault, Kind, Sandbox, Target, World};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// No link runs by itself: the tests ask.
const NEVER: &str = "schedule = \"0 0 1 1 *\"";
const SEED: u64 = 20_261_123;
const LINKS: [&str; 2] = ["psa", "guilds"];

fn config(lease: &str) -> String {
    format!(
        "[server]\nlease = \"{lease}\"\nstop_limit = \"10s\"\n[link.rare]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\n{NEVER}\n"
    )
}

fn slow(sandbox: &Sandbox, by_ms: u64) {
    sandbox.faults().clear();
    sandbox.faults().arm(Fault::every(Target::Moodle(None), Kind::SlowMs(by_ms)));
    sandbox.faults().arm(Fault::every(Target::Community, Kind::SlowMs(by_ms)));
}

/// The runs of each link never overlap: a run begins after the one before it has ended, or was found dead.
async fn assert_one_at_a_time(scene: &Scene) {
    for name in LINKS {
        let filter = RunFilter { link: Some(link(name)), limit: 10_000, ..RunFilter::default() };
        let mut runs = scene.journal.runs().list(&filter).await.unwrap();
        runs.sort_by_key(|run| run.number);
        for pair in runs.windows(2) {
            let ended = pair[0].ended.expect("a run that is not the last has ended");
            assert!(ended <= pair[1].started, "{name}: {:?} and {:?} overlap", pair[0], pair[1]);
        }
        assert!(runs.iter().all(|run| run.state != RunState::Failed), "{name}: {runs:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_killed_at_random_share_the_work_and_run_no_link_twice_at_once() {
    let scene = Scene::postgres(World::demo(SEED, Clock::system().now()), &config("5s")).await;
    slow(&scene.sandbox, 15);
    let mut random = Random(SEED);
    let mut nodes: BTreeMap<&str, Process> = ["a", "b"].into_iter().map(|name| (name, scene.start(name))).collect();
    let mut asked = Vec::new();
    for round in 0..6 {
        for name in LINKS {
            asked.push(scene.journal.requests().put(&run_now(name), "jo", Clock::system().now()).await.unwrap());
        }
        until("somebody works", || async {
            scene.all_requests().await.iter().any(|request| request.state == RequestState::Running)
        })
        .await;
        tokio::time::sleep(Duration::from_millis(random.below(700))).await;
        let victim = if random.below(2) == 0 { "a" } else { "b" };
        nodes.get_mut(victim).unwrap().kill();
        // The other one is there alone for a while, in every second round.
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(random.below(1_000))).await;
        }
        nodes.insert(victim, scene.start(victim));
    }
    scene.finished(&asked).await;
    assert_one_at_a_time(&scene).await;
    let requests = scene.all_requests().await;
    let by: BTreeSet<&str> = requests.iter().filter_map(|one| one.node.as_deref()?.split('/').next()).collect();
    assert_eq!(by, BTreeSet::from(["a", "b"]), "both nodes answered");
    let left = requests.iter().filter(|one| one.state == RequestState::Failed).collect::<Vec<_>>();
    assert!(left.is_empty(), "{left:#?}\n{}\n{}", scene.log("a"), scene.log("b"));
    drop(nodes);
    assert_nothing_is_left_to_do(&scene).await;
    scene.end().await;
}

/// Whatever was killed when: in the end the world is as one quiet run would have made it, and nobody was welcomed twice.
async fn assert_nothing_is_left_to_do(scene: &Scene) {
    scene.sandbox.faults().clear();
    // What Moodle refuses is tried again a day later: it is left to do after quiet runs, too.
    let quiet = Scene::sqlite(World::demo(SEED, Clock::system().now()), "").await;
    for name in LINKS {
        assert_eq!(left_to_do(scene, name).await, left_to_do(&quiet, name).await, "{name}");
    }
    quiet.end().await;
    let world = scene.sandbox.world();
    let mut welcomed = BTreeMap::<(Vec<String>, String), u32>::new();
    for mail in &world.mail.mails {
        *welcomed.entry((mail.to.clone(), mail.subject())).or_default() += 1;
    }
    let twice: Vec<_> = welcomed.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty() && !welcomed.is_empty(), "{twice:#?}");
}

/// What a dry run would change after two runs.
async fn left_to_do(scene: &Scene, name: &str) -> Vec<String> {
    let node = scene.node_now();
    for _ in 0..2 {
        scene.ask(&node, &run_now(name)).await;
    }
    let dry = Job::RunLink { link: link(name), purpose: Purpose::DryRun, narrow: Narrow::Usual };
    match scene.ask(&node, &dry).await.answer {
        Some(JobOutcome::Ran(ran)) => ran.changes,
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_nodes_run_is_taken_over_within_thirty_seconds() {
    let scene = Scene::postgres(World::demo(SEED, Clock::system().now()), &config("20s")).await;
    slow(&scene.sandbox, 400);
    let mut first = scene.start("a");
    let id = scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    let runs = || async {
        let filter = RunFilter { link: Some(link("psa")), ..RunFilter::default() };
        scene.journal.runs().list(&filter).await.unwrap()
    };
    until("the first node runs the link", || async { !runs().await.is_empty() }).await;
    let second = scene.start("b");
    until("the second node serves", || async { scene.journal.nodes().list().await.unwrap().len() == 2 }).await;
    first.kill();
    let timer = Clock::system().timer();
    until("the second node runs the link", || async { runs().await.len() == 2 }).await;
    let after = timer.elapsed();
    assert!(after < Duration::from_secs(30), "taken over after {after:?}");
    slow(&scene.sandbox, 0);
    scene.finished(&[id]).await;
    let request = scene.journal.requests().find(id).await.unwrap().unwrap();
    assert_eq!((request.state, request.node.unwrap().split('/').next()), (RequestState::Done, Some("b")));
    assert_eq!(runs().await[1].state, RunState::Abandoned);
    assert_one_at_a_time(&scene).await;
    drop((first, second));
    scene.end().await;
}

/// A small generator: the same seed kills at the same moments.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
