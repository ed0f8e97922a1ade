//! One look at every link: what is due, or was missed, becomes a request; and so does a pushed event that waits.

use super::due::{latest_due, next_due};
use super::node::{Node, signed};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Job, RequestFilter};
use rollbook_journal::{JournalError, ScheduleRow};
use rollbook_settings::link::{Link, Schedule};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A slot that is later than this was missed: its run begins at once, without jitter.
const FRESH: SignedDuration = SignedDuration::from_mins(1);
/// Who asks for what a pushed event wants.
const EVENT: &str = "event";

/// Looks at every link once. Trouble with one link keeps no other back.
///
/// # Errors
/// Those of the database, where not even the schedules can be read.
pub async fn tick(node: &Node) -> Result<(), JournalError> {
    let rows = node.journal.schedule().list().await?;
    for (name, link) in &node.settings.links {
        if let Err(error) = look_at(node, name, link, &rows).await {
            tracing::warn!(link = %name, %error, "the schedule of a link could not be looked at; it is tried again");
        }
    }
    Ok(())
}

async fn look_at(
    node: &Node,
    name: &LinkName,
    link: &Link,
    rows: &BTreeMap<LinkName, ScheduleRow>,
) -> Result<(), JournalError> {
    let now = node.clock.now();
    let row = match rows.get(name) {
        Some(row) => row.clone(),
        None => node.journal.schedule().watch(name, now).await?,
    };
    let schedule = link.schedule();
    let is_paused = node.journal.links().state(name).await?.paused.is_some();
    let is_on = row.switch.as_ref().map_or(schedule.enabled, |switch| switch.enabled) && !is_paused;
    let since = row.covered.map_or(row.since, |covered| covered.max(row.since));
    if let Some(slot) = latest_due(schedule, since, now).filter(|_| is_on) {
        let begins = begin(schedule, slot, now);
        if let Some(request) = node.journal.schedule().cover_slot(name, slot, begins, now).await? {
            tracing::info!(link = %name, %slot, %begins, %request, "a run is due");
            node.wake.notify_waiters();
        }
    }
    let next = if is_on { next_due(schedule, now) } else { None };
    if next != row.next {
        node.journal.schedule().set_next(name, next).await?;
    }
    if let (Link::Completions(completions), false) = (link, is_paused)
        && completions.push.is_some()
    {
        look_into_events(node, name, now).await?;
    }
    Ok(())
}

/// When the run for a slot begins: at most the jitter later, by chance; at once for one that was missed.
fn begin(schedule: &Schedule, slot: Timestamp, now: Timestamp) -> Timestamp {
    let jitter_ms = u64::try_from(schedule.jitter.as_millis()).unwrap_or(u64::MAX);
    if now.duration_since(slot) > FRESH || jitter_ms == 0 {
        return now;
    }
    // The low half of such an id is chance.
    let chance = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0)).as_u64_pair().1 % jitter_ms;
    let later = SignedDuration::from_millis(i64::try_from(chance).unwrap_or(0));
    slot.checked_add(later).unwrap_or(now).max(now)
}

/// An event may have come to another node, or to none that lived long enough to ask.
async fn look_into_events(node: &Node, link: &LinkName, now: Timestamp) -> Result<(), JournalError> {
    if node.journal.completions().pending_events(link, 1).await?.is_empty() {
        return Ok(());
    }
    ask_once(node, &Job::CheckCompletions { link: link.clone() }, EVENT, now).await
}

/// Asks for something, unless it is asked for and open already.
pub(super) async fn ask_once(node: &Node, ask: &Job, by: &str, now: Timestamp) -> Result<(), JournalError> {
    let filter = RequestFilter {
        link: ask.link().cloned(),
        kind: Some(ask.kind().to_owned()),
        open: true,
        ..RequestFilter::default()
    };
    if node.journal.requests().list(&filter, 1).await?.is_empty() {
        node.journal.requests().put(ask, by, now).await?;
        node.wake.notify_waiters();
    }
    Ok(())
}

/// How long a link's run may take, and how long it has to stop then.
pub(super) fn limits(node: &Node, link: Option<&LinkName>) -> (SignedDuration, SignedDuration) {
    const WITHOUT_A_LINK: SignedDuration = SignedDuration::from_mins(10);
    let limit = link.and_then(|link| node.schedule(link)).map_or(WITHOUT_A_LINK, |schedule| signed(schedule.run_limit));
    (limit, signed(node.settings.server.stop_limit))
}
