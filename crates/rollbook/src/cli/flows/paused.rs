//! Whether a link may be run now: a paused one is not, by a command either, since a crontab does not know of the pause; one
//! that another process runs is waited for, where that is asked for.

use crate::cli::reading::format_moment;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, miette};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Fails where the link is paused. A dry run need not check: it changes nothing.
pub(in crate::cli) async fn refuse_paused(journal: &Journal, link: &LinkName, zone: &TimeZone) -> miette::Result<()> {
    match journal.links().state(link).await.into_diagnostic()?.paused {
        None => Ok(()),
        Some((since, by, why)) => Err(miette!(
            help = "resume it first: rollbook links resume {link}, or on the link's page",
            "link {link} has been paused by {by} since {}: {why}",
            format_moment(since, zone)
        )),
    }
}

/// How often a busy link is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A length of time as people write it: `10m`, `90s`.
pub(in crate::cli) fn parse_wait(text: &str) -> Result<SignedDuration, String> {
    let wait: SignedDuration = text.parse().map_err(|error| format!("{error}; write it like 10m or 90s"))?;
    if wait.is_negative() { Err("it is negative".to_owned()) } else { Ok(wait) }
}

/// Waits until no other process runs the link, so long at most. What comes after finds out by itself whether it is free.
pub(in crate::cli) async fn wait_for_link(
    journal: &Journal,
    link: &LinkName,
    wait: SignedDuration,
    clock: &Clock,
    stop: &CancellationToken,
) -> miette::Result<()> {
    let began = clock.timer();
    while SignedDuration::try_from(began.elapsed()).is_ok_and(|waited| waited < wait) && !stop.is_cancelled() {
        if journal.leases().held_until(link, clock.now()).await.into_diagnostic()?.is_none() {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
