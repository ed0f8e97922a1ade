//! Whether a link's feed is silent, and why: what the journal knows, put to the rules.

use jiff::{SignedDuration, Timestamp};
use rollbook_core::notice::{Alert, AlertKind, FeedWatch, LastRead, ScheduleState, classify_silence};
use rollbook_core::run::{RunKind, RunState};
use rollbook_journal::{Journal, JournalError, RunRow};
use rollbook_settings::Settings;
use rollbook_settings::link::{Link, Schedule};

/// A due run that has not begun after so long is late.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// The beginning of the reason of a run whose feed could not be read; `IntakeError::Feed` says it.
const FEED_TROUBLE: &str = "the feed could not be read";

/// The silence of a link's feed. `told` is when it was told last, where it has not ended.
pub(super) async fn find_silence(
    settings: &Settings,
    journal: &Journal,
    link: &Link,
    runs: &[RunRow],
    told: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Alert>, JournalError> {
    let row = journal.schedule().watch(link.name(), now).await?;
    let is_on = row.switch.as_ref().map_or(link.schedule().enabled, |switch| switch.enabled);
    let paused = journal.links().state(link.name()).await?.paused;
    let schedule = match (paused, &row.switch) {
        (Some((since, by, _)), _) => ScheduleState::Paused { since, by },
        (None, Some(switch)) if !is_on => ScheduleState::Paused { since: switch.since, by: switch.by.clone() },
        // What the operator never switched on is nobody's silence.
        (None, _) if !is_on => return Ok(None),
        (None, _) => {
            let begun = runs.iter().find(|run| run.kind == RunKind::Normal).map_or(row.since, |run| run.started);
            match link.schedule().next_after(begun.max(row.since)) {
                Some(due) if now.duration_since(due) >= LATE => ScheduleState::Late { due },
                Some(_) | None => ScheduleState::Runs,
            }
        }
    };
    let last_record = journal.records().last_fed(link.name()).await?.unwrap_or(row.since);
    // A record after it was told ends the episode.
    let is_told = told.is_some_and(|told| last_record <= told);
    let watch = FeedWatch { last_record, last_read: last_read(runs, link.schedule()), schedule, is_told };
    let notify = &settings.notify;
    Ok(classify_silence(&watch, &notify.silence, &notify.hours, now).map(|cause| Alert {
        kind: AlertKind::FeedSilent,
        subject: "feed".to_owned(),
        title: format!("{cause}; the last Enrol or Suspend came {}", shown(last_record, link)),
        remedy: cause.remedy().to_owned(),
        path: "/".to_owned(),
        since: cause.since(),
        cause_since: Some(watch.cause_since()),
    }))
}

/// How the feed was read of late, as the runs tell, the newest first. A reading that came too late, as after a pause, is a new
/// beginning.
fn last_read(runs: &[RunRow], schedule: &Schedule) -> LastRead {
    // A run that was cut off may have read or not.
    let ended = runs.iter().filter(|run| run.kind == RunKind::Normal && run.ended.is_some());
    let read = ended.filter(|run| run.state != RunState::Abandoned);
    let mut since = None;
    let mut fails = false;
    for run in read {
        let failed = run.state == RunState::Failed && run.reason.starts_with(FEED_TROUBLE);
        if let Some(next) = since {
            let due = schedule.next_after(run.started);
            let gap = due.is_some_and(|due| Timestamp::duration_since(next, due) >= LATE);
            if failed != fails || (gap && !fails) {
                break;
            }
        }
        (since, fails) = (Some(run.started), failed);
    }
    match since {
        None => LastRead::Never,
        Some(since) if fails => LastRead::Failed { since },
        Some(since) => LastRead::Answered { since },
    }
}

fn shown(time: Timestamp, link: &Link) -> String {
    time.to_zoned(link.schedule().timezone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}
