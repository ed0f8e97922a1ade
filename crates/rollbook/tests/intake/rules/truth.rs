//! What a run says is true: a dry run shows what the run then does, and a run that leaves something open says so.

use crate::stage::{FIRST, LARGE, SMALL, Stage, ago, empty_school, enrol, mail, school, suspend};
use rollbook_core::run::RunState;
use rollbook_core::window::Window;
use rollbook_elm::client::FeedQuery;
use rollbook_sandbox::random::Random;
use rollbook_sandbox::{Fault, FeedRow, Kind, Target, World};
use rollbook_sync::flows::intake::{IntakeQuery, Purpose};
use std::time::Duration;

const SEEDS: u64 = 24;

/// A school and a feed of its own for each seed: newcomers, returners, leavers, strangers, doubts, and rows that come twice.
fn generated(random: &mut Random) -> World {
    let mut world = empty_school();
    feed(random, &mut world, 40);
    world
}

fn feed(random: &mut Random, world: &mut World, minutes: i64) {
    let mut draw = |most: u64| random.draw() % most;
    for number in 0..30 + draw(30) {
        let guid = if draw(3) == 0 { format!("N{}", draw(15)) } else { format!("E{}", draw(32)) };
        let course = [FIRST, LARGE, SMALL, 999_999][usize::try_from(draw(4)).unwrap()];
        let at = minutes + i64::try_from(number % 20).unwrap();
        let row = match draw(10) {
            0..=4 => enrol(&guid, course, at),
            5..=7 => suspend(&guid, course, at),
            8 => FeedRow::enrol(&guid, "another@example.org", course, ago(at)),
            _ => FeedRow::enrol(&format!("X{number}"), &mail(&guid), course, ago(at)),
        };
        if draw(8) == 0 {
            world.elm.push(row.clone());
        }
        world.elm.push(row);
    }
}

/// Issue 11 §1: dry run = real run, over generated worlds, limits that hold something back, and runs that follow another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_finds_and_plans_what_the_real_run_does() {
    let mut held = 0;
    for seed in 1..=SEEDS {
        let mut random = Random::new(seed);
        let limits = format!("[link.psa.limits]\nnew_accounts = {}\nsuspensions = {}", seed % 7, 2 + seed % 9);
        let stage = Stage::with_config(generated(&mut random), &limits).await;
        for round in 0..3 {
            let what = format!("seed {seed}, round {round}");
            let dry = stage.run_with(Purpose::DryRun, IntakeQuery::New).await.unwrap();
            let real = stage.run().await.unwrap();
            assert_eq!(dry.plan, real.plan, "{what}");
            assert_eq!((&dry.findings, &dry.held), (&real.findings, &real.held), "{what}");
            assert_eq!((dry.gaps, dry.window, dry.known), (real.gaps, real.window, real.known), "{what}");
            held += usize::from(!real.held.is_empty());
            stage.hand.advance(Duration::from_secs(90));
            feed(&mut random, &mut stage.sandbox.world(), -1 - round);
        }
    }
    assert!(held > 10, "something was held back {held} times only");
}

/// The address in the run's row is the one that the feed was asked by, also when the watermark and the clock have moved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_url_that_a_run_logs_is_the_one_that_was_sent() {
    let stage = Stage::new(school()).await;
    for _ in 0..2 {
        let report = stage.run().await.unwrap();
        let Window { since, until } = report.window.unwrap();
        let sent = FeedQuery { since: Some(since), until, ..FeedQuery::default() };
        let logged = stage.lines("SELECT url FROM run ORDER BY number DESC LIMIT 1").await;
        let widened = [0, 1].map(|hours| stage.flow().feed.make_url(&sent, jiff::SignedDuration::from_hours(hours)));
        assert!(widened.contains(&logged[0]), "{logged:?}");
        stage.hand.advance(Duration::from_secs(600));
    }
}

/// Issue 12 §5: after a stop, a time-out or maintenance, the next run within the pause counts what waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_counted_by_a_run_within_its_pause() {
    let mut stage = Stage::new(school()).await;
    let create = Target::Moodle(Some("core_user_create_users"));
    stage.sandbox.faults().arm(Fault::every(create, Kind::SlowMs(200)));
    let stop = stage.stop.clone();
    let asking = async {
        while stage.sandbox.calls().of("core_user_create_users") == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (report, ()) = tokio::join!(stage.run(), asking);
    assert_eq!(report.unwrap().state, RunState::Stopped);
    stage.sandbox.faults().clear();
    stage.stop = tokio_util::sync::CancellationToken::new();
    let waiting = stage.number("SELECT COUNT(*) FROM record WHERE standing = 'transient'").await;
    let report = stage.run().await.unwrap();
    assert_eq!(report.state, RunState::Partly, "it is not done");
    assert!(waiting > 0 && report.counts.waiting >= u64::try_from(waiting).unwrap(), "{waiting}: {:?}", report.counts);
}

/// Issue 12 §5: what Moodle refused is left alone for a day, and is still open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moodle_refused_is_counted_until_it_is_mended() {
    let mut world = empty_school();
    world.elm.push(enrol("N1", FIRST, 30));
    let stage = Stage::new(world).await;
    stage.sandbox.faults().arm(Fault::every(
        Target::Moodle(Some("core_user_create_users")),
        Kind::ExceptionIn200 { errorcode: "invalidparameter" },
    ));
    assert_eq!(stage.run().await.unwrap().counts.errors, 1);
    stage.sandbox.faults().clear();
    stage.hand.advance(Duration::from_secs(600));
    let report = stage.run().await.unwrap();
    assert_eq!((report.counts.errors, report.state), (1, RunState::Partly));
}

/// Issue 12 §5: a feed that does not arrive whole is not silent, even where nobody is to be suspended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incomplete_feed_with_nothing_to_suspend_is_not_done() {
    let mut world = empty_school();
    world.elm.page_size = 2;
    for number in 0..6 {
        world.elm.push(enrol(&format!("E{number}"), LARGE, 30));
    }
    let mut stage = Stage::new(world).await;
    stage.pages_max = 1;
    let report = stage.run().await.unwrap();
    assert_eq!((report.state, stage.watermark().await), (RunState::Partly, None));
    assert!(!report.gaps.is_empty() && report.findings.iter().any(|finding| finding.check == "completeness"));
}

/// Issue 12 §5: what waits longest has its turn first, and how much is left out is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_run_takes_up_is_taken_up_in_turn_and_the_rest_is_said() {
    let mut world = empty_school();
    for number in 0..10 {
        world.elm.push(enrol(&format!("E{number}"), 999_999, 40 - number));
    }
    let stage = Stage::with_config(world, "[link.psa.limits]\nwaiting_max = 5").await;
    stage.run().await.unwrap();
    let mut turns = std::collections::BTreeMap::<_, usize>::new();
    for _ in 0..4 {
        stage.hand.advance(Duration::from_secs(600));
        let report = stage.run().await.unwrap();
        assert_eq!(report.records.len(), 5);
        report.records.iter().for_each(|record| *turns.entry(record.fingerprint).or_default() += 1);
        let said = report.findings.iter().find(|finding| finding.check == "waiting_max").unwrap();
        assert!(said.message.contains("does not take up: 5"), "{}", said.message);
        assert_eq!(report.counts.waiting + report.counts.errors, 10, "{:?}", report.counts);
    }
    assert_eq!(turns.into_values().collect::<Vec<_>>(), vec![2; 10]);
}
