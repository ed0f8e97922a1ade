//! A paused link is left alone until it goes on, also by a command: a scheduler outside knows of no pause.

use miette::{IntoDiagnostic, miette};
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;

/// Fails where the link is paused. A dry run need not ask: it changes nothing.
pub(in crate::cli) async fn refuse_paused(journal: &Journal, link: &LinkName) -> miette::Result<()> {
    match journal.links().state(link).await.into_diagnostic()?.paused {
        None => Ok(()),
        Some((since, by, why)) => Err(miette!(
            help = "let it go on first: rollbook links resume, or the link's page",
            "link {link} is paused since {since:.0} by {by}: {why}"
        )),
    }
}
