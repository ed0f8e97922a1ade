//! The bounds of a run under a process that serves: one that exceeds its limit, and one of each flow that a stop of the process
//! meets in the middle. Each stops safely, says so, and what it left is done by the next, once.

use crate::world::{Process, Scene, link, run_now, until};
use rollbook_clock::Clock;
use rollbook_core::run::RunState;
use rollbook_journal::requests::{Job, JobOutcome, Narrow, Purpose};
use rollbook_journal::{RunFilter, RunRow};
use rollbook_sandbox::{Fault, FeedRow, Kind, Target, World};
use rollbook_sync::scheduler::Node;
use std::collections::BTreeSet;
use std::time::Duration;

const SEED: u64 = 11;
const OPERATORS: &str = "operators@example.org";
const COURSE: i64 = 930_001;
const PEOPLE: i64 = 40;

async fn runs(scene: &Scene, name: &str) -> Vec<RunRow> {
    let filter = RunFilter { link: Some(link(name)), ..RunFilter::default() };
    scene.journal.runs().list(&filter).await.unwrap()
}

/// What a dry run of a link would change.
async fn left_to_do(scene: &Scene, node: &Node, name: &str) -> usize {
    let dry = Job::RunLink { link: link(name), purpose: Purpose::DryRun, narrow: Narrow::Usual };
    match scene.ask(node, &dry).await.answer {
        Some(JobOutcome::Ran(ran)) => ran.changes.len(),
        other => panic!("{other:?}"),
    }
}

/// Waits for the process to tell the operators something that has all these parts.
async fn told(scene: &Scene, parts: &[&str]) {
    until(&format!("the operators hear {parts:?}"), || async {
        let world = scene.sandbox.world();
        world.mail.to(OPERATORS).into_iter().any(|mail| parts.iter().all(|part| mail.text().contains(part)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_over_its_limit_is_stopped_safely_and_told_and_its_successor_goes_on() {
    let more = format!("[notify]\nto = [\"{OPERATORS}\"]\n[notify.silence]\nafter = \"90d\"\n");
    let scene = Scene::sqlite(World::demo(SEED, Clock::system().now()), &more).await;
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text.replace("[link.psa]\n", "[link.psa]\nrun_limit = \"10s\"\n")).unwrap();
    scene.sandbox.faults().arm(Fault::every(Target::Moodle(None), Kind::SlowMs(1_500)));
    let process = scene.start("a");
    let first = scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    scene.finished(&[first]).await;
    let stopped = runs(&scene, "psa").await.remove(0);
    assert_eq!(stopped.state, RunState::Stopped);
    let took = stopped.ended.unwrap().duration_since(stopped.started).as_secs();
    assert!((9..15).contains(&took), "it took {took} s");
    assert!(
        stopped.reason.starts_with("it took longer than its limit of 10s and stopped safely"),
        "{}",
        stopped.reason
    );
    let node = scene.node_now();
    scene.sandbox.faults().clear();
    told(&scene, &["A run failed", "it took longer than its limit of 10s", "raise the link's `run_limit`"]).await;
    let second = scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    scene.finished(&[second]).await;
    let after = runs(&scene, "psa").await;
    assert_eq!((after.len(), after[0].state), (2, RunState::Partly), "the demo's world has its troubles: {after:#?}");
    assert!(after[0].counts.enrolled > 0, "the first left something to do");
    told(&scene, &["OVER", "A run failed"]).await;
    assert_eq!(left_to_do(&scene, &node, "psa").await, 0);
    drop(process);
    scene.end().await;
}

/// The process is asked to stop when `is_amid`; it ends well within its limit. Gives the run that it was at.
async fn stop_amid(scene: &Scene, name: &str, is_amid: impl Fn() -> bool) -> RunRow {
    let mut process: Process = scene.start("a");
    scene.journal.requests().put(&run_now(name), "jo", Clock::system().now()).await.unwrap();
    until("the run is in its middle", || async { is_amid() }).await;
    let timer = Clock::system().timer();
    process.terminate();
    let code = process.ended().await;
    let took = timer.elapsed();
    assert!(code == 0 && took < Duration::from_secs(12), "{code} after {took:?}: {}", scene.log("a"));
    scene.sandbox.faults().clear();
    runs(scene, name).await.remove(0)
}

const STOP: &str = "[server]\nlease = \"5s\"\nstop_limit = \"8s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_amid_guilds_leaves_nothing_half_and_the_next_run_does_the_rest() {
    let scene = Scene::sqlite(World::demo(SEED, Clock::system().now()), STOP).await;
    for function in ["core_cohort_create_cohorts", "core_cohort_add_cohort_members"] {
        scene.sandbox.faults().arm(Fault::every(Target::Moodle(Some(function)), Kind::SlowMs(6_000)));
    }
    let calls = || scene.sandbox.calls().of("core_cohort_create_cohorts");
    let stopped = stop_amid(&scene, "guilds", || calls() >= 1).await;
    assert_eq!(stopped.state, RunState::Stopped, "{stopped:?}");
    assert!(stopped.reason.starts_with("it was asked to stop and stopped safely"), "{}", stopped.reason);
    let node = scene.node_now();
    assert!(left_to_do(&scene, &node, "guilds").await > 0, "something was left");
    scene.ask(&node, &run_now("guilds")).await;
    assert_eq!(left_to_do(&scene, &node, "guilds").await, 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_amid_completions_reports_each_once_in_the_end() {
    let mut world = World::empty();
    let course = world.moodle.add_course(&COURSE.to_string(), "Fire Safety");
    world.moodle.courses.edit(course, |course| {
        course.opt_in = Some(true);
        course.has_criteria = true;
    });
    let now = Clock::system().now();
    for number in 0..PEOPLE {
        let row = FeedRow::enrol(&format!("G{number}"), &format!("g{number}@example.org"), COURSE, now);
        world.elm.push(row.numbered(500_000 + number).named("Jane", "Person"));
    }
    let scene = Scene::sqlite(world, &format!("report_from = \"2020-01-01\"\n{STOP}")).await;
    let node = scene.node_now();
    scene.ask(&node, &run_now("psa")).await;
    {
        let mut world = scene.sandbox.world();
        let users: Vec<i64> = world.moodle.enrolments_of_course(course).map(|found| found.user_id).collect();
        let at = world.now() - jiff::SignedDuration::from_mins(1);
        assert_eq!(users.len(), usize::try_from(PEOPLE).unwrap());
        for user in users {
            world.moodle.complete(user, course, at);
        }
    }
    scene.sandbox.faults().arm(Fault::every(Target::Completion, Kind::SlowMs(2_500)));
    let reported = || scene.sandbox.world().elm.completions.len();
    let stopped = stop_amid(&scene, "done", || reported() >= 1).await;
    let (before, people) = (reported(), usize::try_from(PEOPLE).unwrap());
    assert!(stopped.state == RunState::Stopped && before < people, "{before} reported: {stopped:?}");
    assert!(stopped.reason.starts_with("it was asked to stop and stopped safely"), "{}", stopped.reason);
    scene.ask(&node, &run_now("done")).await;
    let world = scene.sandbox.world();
    let all: Vec<i64> = world.elm.completions.iter().map(|one| one.body["ENROLMENT_ID"].as_i64().unwrap()).collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (people, people), "each is reported once");
    drop(world);
    scene.end().await;
}
