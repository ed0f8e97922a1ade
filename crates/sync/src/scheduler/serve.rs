//! A serving process, from its first look at the links to its end: ticks, workers, outboxes, signs of life, and a stop that
//! leaves nothing half.

use super::node::Node;
use super::outboxes::deliver;
use super::systemd::Systemd;
use super::tick::tick;
use super::work::work_once;
use crate::notify::{Heart, judge_all};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Timer;
use rollbook_journal::JournalError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the links are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often a worker that has nothing to do looks for a request; a bell wakes it earlier.
const IDLE: Duration = Duration::from_secs(1);
/// After trouble with the journal it is asked again after so long.
const TROUBLE: Duration = Duration::from_secs(5);
/// How often the outboxes are looked at.
const OUTBOXES: Duration = Duration::from_secs(30);
/// How often the process says that it lives.
const LIFE: Duration = Duration::from_secs(5);
/// How often troubles are judged, besides after each run.
const JUDGE: Duration = Duration::from_secs(60);
/// How often it is looked whether a sign of life is due.
const BEAT: Duration = Duration::from_secs(5);
/// A process that has not said so for this long does not live well.
const STANDS_STILL: SignedDuration = SignedDuration::from_secs(60);
/// How often what is old is forgotten.
const FORGET: Duration = Duration::from_secs(3_600);
/// A finished request is kept for so long.
const REQUESTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// A node that was not heard of for so long is forgotten.
const NODES_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Workers besides one for each link, so that a slow link keeps no other back, nor what people ask for.
const SPARE_WORKERS: usize = 4;
/// At most so many workers.
const WORKERS_MAX: usize = 64;

/// Serves until `stop`; then it takes nothing further, lets what is under way end or stop safely, and returns within the
/// configured limit.
///
/// # Errors
/// Those of the journal at the start. Later trouble is logged, and waited out.
pub async fn serve(node: &Node, systemd: &Arc<Systemd>, stop: &CancellationToken) -> Result<(), JournalError> {
    node.journal.nodes().heartbeat(&node.row(None)).await?;
    tick(node).await?;
    // Nothing further is begun after `stop`; what is under way stops safely after `safely`, and is dropped after `at_once`.
    let (safely, at_once) = (CancellationToken::new(), CancellationToken::new());
    let tasks = TaskTracker::new();
    let workers = (node.settings.links.len() + SPARE_WORKERS).min(WORKERS_MAX);
    for _ in 0..workers {
        tasks.spawn(or(at_once.clone(), work(node.clone(), stop.clone(), safely.clone())));
    }
    tasks.spawn(or(at_once.clone(), keep_ticking(node.clone(), systemd.clone(), stop.clone())));
    tasks.spawn(or(at_once.clone(), keep_delivering(node.clone(), stop.clone())));
    tasks.spawn(or(at_once.clone(), keep_judging(node.clone(), stop.clone())));
    tasks.spawn(or(at_once.clone(), keep_forgetting(node.clone(), stop.clone())));
    systemd.ready(&node.listens);
    stop.cancelled().await;
    systemd.stopping();
    tasks.close();
    end(node, &tasks, &safely, &at_once).await;
    if let Err(error) = node.journal.nodes().forget(&node.name, Timestamp::MIN).await {
        tracing::warn!(%error, "the journal could not be told that this process ends");
    }
    Ok(())
}

/// Half of the limit is for ending, the rest for stopping safely.
async fn end(node: &Node, tasks: &TaskTracker, safely: &CancellationToken, at_once: &CancellationToken) {
    if let Err(error) = node.journal.nodes().heartbeat(&node.row(Some(node.clock.now()))).await {
        tracing::warn!(%error, "the journal could not be told that this process stops");
    }
    let limit = node.settings.server.stop_limit;
    if tokio::time::timeout(limit / 2, tasks.wait()).await.is_ok() {
        return;
    }
    tracing::warn!("what is under way is asked to stop safely");
    safely.cancel();
    if tokio::time::timeout(limit / 2, tasks.wait()).await.is_err() {
        tracing::error!("something did not stop within the limit: it is cut off, and the next run repairs it");
        at_once.cancel();
        tasks.wait().await;
    }
}

/// Runs a task, or drops it at once.
async fn or(at_once: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        () = at_once.cancelled() => {}
    }
}

async fn work(node: Node, stop: CancellationToken, safely: CancellationToken) {
    while !stop.is_cancelled() {
        let bell = node.wake.notified();
        let pause = match work_once(&node, &safely).await {
            Ok(true) => continue,
            Ok(false) => IDLE,
            Err(error) => {
                tracing::warn!(%error, "no request could be taken; it is tried again");
                TROUBLE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = bell => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Looks at the links, and tells the service manager and the other nodes that this one lives.
async fn keep_ticking(node: Node, systemd: Arc<Systemd>, stop: CancellationToken) {
    let (mut signs, mut lives) = (node.clock.timer(), node.clock.timer());
    while sleep(TICK, &stop).await {
        if systemd.sign_every().is_some_and(|every| signs.elapsed() + TICK >= every) {
            systemd.lives();
            signs = node.clock.timer();
        }
        if lives.elapsed() >= LIFE {
            lives = node.clock.timer();
            if let Err(error) = node.journal.nodes().heartbeat(&node.row(None)).await {
                tracing::warn!(%error, "the journal could not be told that this process lives");
            }
        }
        if let Err(error) = tick(&node).await {
            tracing::warn!(%error, "the links could not be looked at; it is tried again");
        }
    }
}

async fn keep_delivering(node: Node, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = node.due.notified() => {}
            () = tokio::time::sleep(OUTBOXES) => {}
        }
        deliver(&node, &stop).await;
    }
}

/// Judges what operators are to hear, and gives a sign of life while the journal answers.
async fn keep_judging(node: Node, stop: CancellationToken) {
    let mut heart = match Heart::of(&node.settings.notify) {
        Ok(heart) => heart,
        Err(error) => {
            tracing::error!(%error, "no sign of life can be given");
            None
        }
    };
    let mut judged = None::<Timer>;
    while sleep(BEAT, &stop).await {
        let now = node.clock.now();
        if judged.as_ref().is_none_or(|judged| judged.elapsed() >= JUDGE) {
            judged = Some(node.clock.timer());
            judge_all(&node.settings, &node.journal, now).await;
            node.due.notify_one();
        }
        // The links are looked at by another task: where it stands still, so does this.
        let is_well = node.journal.nodes().list().await.is_ok_and(|nodes| {
            nodes.iter().any(|row| row.name == node.name && now.duration_since(row.seen) < STANDS_STILL)
        });
        if let Some(heart) = heart.as_mut().filter(|_| is_well) {
            heart.beat(now).await;
        }
    }
}

async fn keep_forgetting(node: Node, stop: CancellationToken) {
    while sleep(FORGET, &stop).await {
        let before = |kept| node.clock.now().checked_sub(kept).unwrap_or(Timestamp::MIN);
        let requests = node.journal.requests().prune(before(REQUESTS_KEPT)).await.map(drop);
        let nodes = node.journal.nodes().forget("", before(NODES_KEPT)).await;
        for error in [requests, nodes].into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "what is old could not be forgotten; it is tried again");
        }
    }
}

/// Waits; says whether to go on.
async fn sleep(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}
