//! A worker: takes a request, keeps it while it is carried out, and answers it.
//!
//! A request that cannot be done now (its link is being run) is put back; one whose node died comes here again, and is given
//! up after a few times: what kills every node that takes it must not be taken for ever.

use super::jobs::{Trouble, execute};
use super::node::Node;
use super::tick::limits;
use crate::notify::judge_link;
use jiff::{SignedDuration, Timestamp};
use rollbook_journal::JournalError;
use rollbook_journal::requests::{JobOutcome, TakenRequest};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// A request that so many nodes took and did not live to answer is given up.
const DEATHS_MAX: i64 = 10;
/// A link that is being run is asked for again after so long.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(1);
/// A run knows its limit, stops at it by itself and says so. Whatever else takes longer is asked to stop so much later.
const AFTER_ITS_OWN: Duration = Duration::from_secs(1);

/// Carries out one request, if one waits. Says whether there was one.
///
/// # Errors
/// Those of the database, where not even a request could be taken.
pub async fn work_once(node: &Node, stop: &CancellationToken) -> Result<bool, JournalError> {
    let Some(taken) = node.journal.requests().take(&node.name, node.lease(), node.clock.now()).await? else {
        return Ok(false);
    };
    tracing::debug!(request = %taken.id, kind = taken.job.kind(), by = %taken.asked_by, "taken");
    let done = if taken.deaths >= DEATHS_MAX {
        Err(Trouble::failed(format!("{DEATHS_MAX} processes took it and died"), "look at their log, then ask again"))
    } else {
        guarded(node, &taken, stop).await
    };
    tell(node, &taken).await;
    if let Err(error) = settle(node, &taken, done).await {
        // Another node has it by now, or the journal cannot be reached: then it is taken again.
        tracing::warn!(request = %taken.id, %error, "an answer could not be recorded");
    }
    Ok(true)
}

/// What a run changed of its link's troubles is told at once.
async fn tell(node: &Node, taken: &TakenRequest) {
    let Some(link) = taken.job.link().filter(|_| !taken.job.only_looks()) else { return };
    let Some(link) = node.settings.links.get(link) else { return };
    match judge_link(&node.settings, &node.journal, link, node.clock.now()).await {
        Ok(Some(_)) => node.due.notify_one(),
        Ok(None) => {}
        Err(error) => tracing::warn!(link = %link.name(), %error, "troubles could not be judged; it is tried again"),
    }
}

/// Carries a request out on a thread of its own, within its time: a panic or a hang is that request's alone.
async fn guarded(node: &Node, taken: &TakenRequest, stop: &CancellationToken) -> Result<JobOutcome, Trouble> {
    let (limit, grace) = limits(node, taken.job.link());
    let stop = stop.child_token();
    let _keeping = AbortOnDropHandle::new(tokio::spawn(keep(node.clone(), taken.clone(), stop.clone())));
    // Dropped with this future, which drops the work.
    let cut_off = CancellationToken::new();
    let _guard = cut_off.clone().drop_guard();
    let mut work = apart(node.clone(), taken.clone(), stop.clone(), cut_off);
    let joined = match tokio::time::timeout(unsigned(limit) + AFTER_ITS_OWN, &mut work).await {
        Ok(joined) => joined,
        Err(_) => {
            tracing::warn!(request = %taken.id, "it takes longer than its limit: it is asked to stop safely");
            stop.cancel();
            match tokio::time::timeout(unsigned(grace), &mut work).await {
                Ok(joined) => joined,
                Err(_) => {
                    let words = format!("it took longer than {limit:#} and did not stop within {grace:#}");
                    return Err(Trouble::failed(words, "see which site does not answer, or raise `run_limit`"));
                }
            }
        }
    };
    joined.unwrap_or_else(|error| {
        tracing::error!(request = %taken.id, %error, "a request ended in a defect");
        Err(Trouble::failed("it ended in a defect of Rollbook".to_owned(), "the log has the cause; please report it"))
    })
}

/// A flow holds borrows that cannot move between threads, so that each has a thread; there are never more than workers.
fn apart(
    node: Node,
    taken: TakenRequest,
    stop: CancellationToken,
    cut_off: CancellationToken,
) -> JoinHandle<Result<JobOutcome, Trouble>> {
    let link = taken.job.link().map(ToString::to_string).unwrap_or_default();
    let kind = taken.job.kind();
    let span = tracing::info_span!("request", otel.name = format!("{kind} {link}"), kind, link, request = %taken.id);
    tokio::task::spawn_blocking(move || {
        Handle::current().block_on(async {
            tokio::select! {
                done = execute(&node, &taken, &stop).instrument(span) => done,
                () = cut_off.cancelled() => Err(Trouble::failed("it was cut off".to_owned(), "ask again")),
            }
        })
    })
}

/// Keeps a request, and stops its work once it is in other hands.
async fn keep(node: Node, taken: TakenRequest, stop: CancellationToken) {
    let pause = unsigned(node.lease() / 3);
    loop {
        tokio::time::sleep(pause).await;
        match node.journal.requests().renew(&taken, &node.name, node.lease(), node.clock.now()).await {
            Ok(()) => {}
            Err(JournalError::Conflict { .. }) => {
                tracing::warn!(request = %taken.id, "it is in other hands; its work stops here");
                return stop.cancel();
            }
            Err(error) => tracing::warn!(request = %taken.id, %error, "it could not be kept; it is tried again"),
        }
    }
}

async fn settle(node: &Node, taken: &TakenRequest, done: Result<JobOutcome, Trouble>) -> Result<(), JournalError> {
    let now = node.clock.now();
    match done {
        Ok(answer) => node.journal.requests().finish(taken, &node.name, &answer, now).await,
        Err(Trouble::Held { until }) => node.journal.requests().put_back(taken, &node.name, again(now, until)).await,
        Err(Trouble::Failed { words, remedy }) => {
            tracing::warn!(request = %taken.id, kind = taken.job.kind(), "it failed");
            node.journal.requests().finish(taken, &node.name, &JobOutcome::Failed { words, remedy }, now).await
        }
    }
}

/// When a link that is being run is asked for again: soon, and never later than its lease can last.
fn again(now: Timestamp, until: Timestamp) -> Timestamp {
    now.checked_add(AGAIN_AFTER).unwrap_or(now).min(until).max(now)
}

fn unsigned(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::MAX)
}
