//! A real server on a free port, over the demonstration world with two weeks of history, and workers that carry out what the
//! pages ask for.

use crate::stage::{Stage, start};
use jiff::SignedDuration;
use rollbook_journal::{NodeRow, PlanState};
use rollbook_sandbox::{FeedRow, MOODLE_TOKEN, Sandbox, World, demo, world};
use rollbook_settings::service::RoleName;
use rollbook_sync::scheduler::{deliver, tick, work_once};
use rollbook_web::auth::hash_password;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub const NAME: &str = "robin@example.org";
pub const PASSWORD: &str = "a long enough password";
const SEED: u64 = 2026;
const DAYS: i64 = 13;

pub struct Served {
    pub stage: Stage,
    pub url: String,
    stop: CancellationToken,
}

impl Served {
    pub async fn start() -> Self {
        let mut world = World::demo(SEED, start());
        world.clock = world::Clock::Fixed(start());
        for function in [
            "core_cohort_update_cohorts",
            "core_cohort_delete_cohorts",
            "core_cohort_search_cohorts",
            "core_user_update_users",
        ] {
            world.moodle.list_function(MOODLE_TOKEN, function);
        }
        let today = std::mem::take(&mut world.elm.rows);
        let sandbox = Sandbox::start(world).await.unwrap();
        let stage = Stage::with_sentinel(Some(sandbox), "", demo::guilds::LOUD).await;
        live_two_weeks(&stage).await;
        stage.world().elm.rows.extend(today);
        for link in ["guilds", "demo", "done"] {
            stage.run(link).await;
        }
        lose_members(&stage);
        stage.run("guilds").await;
        assert!(!stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap().is_empty());
        complete(&stage);
        stage.run("done").await;
        stage.hand.advance(Duration::from_secs(150));
        let hash = hash_password(PASSWORD.to_owned()).await.unwrap();
        let add = stage.journal.accounts().add(NAME, RoleName::Administrator, Some(&hash), "command line", stage.now());
        add.await.unwrap();
        stage.journal.accounts().add("ada@example.org", RoleName::Viewer, None, NAME, stage.now()).await.unwrap();
        let node = NodeRow {
            name: stage.node.name.clone(),
            version: "0.1.0".to_owned(),
            listens: "127.0.0.1:8350".to_owned(),
            started: start(),
            seen: stage.now(),
            stopping: None,
        };
        stage.journal.nodes().heartbeat(&node).await.unwrap();
        tick(&stage.node).await.unwrap();
        let stop = CancellationToken::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = rollbook_web::router(stage.state.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        for _ in 0..2 {
            tokio::spawn(work(stage.node.clone(), stop.clone()));
        }
        Self { stage, url, stop }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn work(node: rollbook_sync::scheduler::Node, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if work_once(&node, &stop).await.unwrap() {
            deliver(&node, &stop).await;
        } else {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A run a day, with more to do on some days than on others.
async fn live_two_weeks(stage: &Stage) {
    for day in (1..=DAYS).rev() {
        let now = start() - SignedDuration::from_hours(24 * day);
        stage.hand.set(now);
        {
            let mut world = stage.world();
            world.clock = world::Clock::Fixed(now);
            let people = (day * 7 % 11) + 3;
            for n in 0..people {
                let guid = format!("0D{day:02}{n:02}A7D7A24F53B8DC558936D0A0F1");
                let (course, mail) = (demo::FIRST_COURSE + n % 9, format!("learner.{day}.{n}@example.org"));
                let written = now - SignedDuration::from_mins(30 - n);
                let row = FeedRow::enrol(&guid, &mail, course, written).named("Lee", &format!("Learner {day}-{n}"));
                world.elm.push(row.numbered(600_000 + day * 100 + n));
            }
        }
        stage.run("demo").await;
        suspend_some(stage, day).await;
    }
    stage.hand.set(start());
    stage.world().clock = world::Clock::Fixed(start());
}

async fn suspend_some(stage: &Stage, day: i64) {
    if day % 3 != 0 {
        return;
    }
    let now = stage.now() + SignedDuration::from_mins(30);
    stage.hand.set(now);
    {
        let mut world = stage.world();
        world.clock = world::Clock::Fixed(now);
        for n in 0..2 {
            let guid = format!("0D{day:02}{n:02}A7D7A24F53B8DC558936D0A0F1");
            let mail = format!("learner.{day}.{n}@example.org");
            let row = FeedRow::suspend(&guid, &mail, demo::FIRST_COURSE + n % 9, now - SignedDuration::from_mins(5));
            let row = row.named("Lee", &format!("Learner {day}-{n}"));
            world.elm.push(row.numbered(600_000 + day * 100 + n));
        }
    }
    stage.run("demo").await;
}

/// Half of the largest guild is gone, which a guard will not let pass.
fn lose_members(stage: &Stage) {
    let mut world = stage.world();
    let sizes = world.community.groups.keys().map(|id| (world.community.memberships_of(*id).count(), *id));
    let (size, largest) = sizes.max().unwrap();
    let mut left = size / 2;
    world.community.memberships.retain(|_, membership| {
        let goes = membership.group_id == largest && left > 0;
        left -= usize::from(goes);
        !goes
    });
}

/// Some of those who were enrolled finish.
fn complete(stage: &Stage) {
    let now = stage.now();
    let mut world = stage.world();
    let opted: Vec<i64> =
        world.moodle.courses.iter().filter(|course| course.opt_in == Some(true)).map(|course| course.id).collect();
    let active: Vec<(i64, i64)> = opted
        .iter()
        .flat_map(|course| world.moodle.enrolments_of_course(*course).map(|found| (found.user_id, *course)).take(6))
        .take(12)
        .collect();
    for (user, course) in active {
        world.moodle.complete(user, course, now - SignedDuration::from_mins(20));
    }
}
