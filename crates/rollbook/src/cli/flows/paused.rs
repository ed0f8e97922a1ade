//! A paused link is not run, by a command either: a crontab does not know of the pause.

use crate::cli::reading::format_moment;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, miette};
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;

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
