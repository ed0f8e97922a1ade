//! A process that is asked to stop: it ends, or stops safely, within its limit; a second signal ends it at once.

use crate::world::{Scene, link, run_now, until};
use rollbook_clock::Clock;
use rollbook_core::run::RunState;
use rollbook_journal::RunFilter;
use rollbook_journal::requests::{JobOutcome, RequestState};
use rollbook_sandbox::{Fault, Kind, Target, World};
use rollbook_sync::scheduler::work_once;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SEED: u64 = 7;

async fn running(scene: &Scene) {
    until("a run is under way", || async {
        let filter = RunFilter { link: Some(link("psa")), ..RunFilter::default() };
        scene.journal.runs().list(&filter).await.unwrap().iter().any(|run| run.state == RunState::Running)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_end_within_half_of_the_limit_ends() {
    let more = "[server]\nlease = \"5s\"\nstop_limit = \"60s\"\n";
    let scene = Scene::sqlite(World::demo(SEED, Clock::system().now()), more).await;
    scene.sandbox.faults().arm(Fault::every(Target::Moodle(None), Kind::SlowMs(50)));
    let mut node = scene.start("a");
    let id = scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    running(&scene).await;
    node.terminate();
    assert_eq!(node.ended().await, 0, "{}", scene.log("a"));
    let request = scene.journal.requests().find(id).await.unwrap().unwrap();
    let Some(JobOutcome::Ran(ran)) = request.answer else { panic!("{request:?}") };
    assert_eq!((request.state, ran.state), (RequestState::Done, RunState::Partly), "the demo's world has its troubles");
    assert!(scene.journal.nodes().list().await.unwrap().is_empty(), "it said that it ends");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_end_in_time_stops_safely_or_is_cut_off_within_the_limit() {
    let more = "[server]\nlease = \"5s\"\nstop_limit = \"4s\"\n";
    let scene = Scene::sqlite(World::demo(SEED, Clock::system().now()), more).await;
    scene.sandbox.faults().arm(Fault::every(Target::Moodle(None), Kind::SlowMs(900)));
    let mut node = scene.start("a");
    scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    running(&scene).await;
    let timer = Clock::system().timer();
    node.terminate();
    let code = node.ended().await;
    let took = timer.elapsed();
    assert!(code == 0 && took < Duration::from_secs(8), "{code} after {took:?}: {}", scene.log("a"));
    // The next process repairs whatever was left, and nothing is left to do in the end.
    scene.sandbox.faults().clear();
    let again = scene.node_now();
    let id = scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    until("the link was run", || async {
        work_once(&again, &CancellationToken::new()).await.unwrap();
        scene.journal.requests().find(id).await.unwrap().unwrap().state == RequestState::Done
    })
    .await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_signal_ends_it_at_once() {
    let more = "[server]\nstop_limit = \"30m\"\n";
    let scene = Scene::sqlite(World::demo(SEED, Clock::system().now()), more).await;
    scene.sandbox.faults().arm(Fault::every(Target::Moodle(None), Kind::SlowMs(5_000)));
    let mut node = scene.start("a");
    scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    running(&scene).await;
    node.terminate();
    until("it has heard the first", || async { scene.log("a").contains("stopping safely") }).await;
    node.terminate();
    assert_eq!(node.ended().await, 130);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_hears_ready_signs_of_life_and_stopping() {
    let scene = Scene::sqlite(World::empty(), "").await;
    let path = scene.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollbook"))
        .args(["serve", "--no-pages", "--config"])
        .arg(scene.config())
        .env_clear()
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "2000000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hear = || {
        let mut buffer = [0; 500];
        let read = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    };
    assert_eq!(hear(), "READY=1\nSTATUS=serves on nowhere");
    assert_eq!([hear(), hear()], ["WATCHDOG=1", "WATCHDOG=1"]);
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let told = std::iter::repeat_with(hear).find(|told| told != "WATCHDOG=1").unwrap();
    assert_eq!(told, "STOPPING=1\nSTATUS=ends what is under way");
    assert!(child.wait().unwrap().success());
    scene.end().await;
}
