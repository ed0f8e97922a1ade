//! What is due in the outboxes goes out between runs too: mails and notices at once, completions by a request for a run that
//! only sends.

use super::node::Node;
use super::tick::ask_once;
use crate::flows::deliver::{MailDelivery, deliver_mails};
use crate::flows::setup;
use crate::notify::{NoticeDelivery, deliver_notices};
use rollbook_core::report::with_causes;
use rollbook_core::run::SendPace;
use rollbook_journal::JournalError;
use rollbook_journal::requests::Job;
use rollbook_settings::link::Completions;
use tokio_util::sync::CancellationToken;

/// Who asks for what is due.
const OUTBOX: &str = "outbox";

/// Sends what is due, or asks for it. What cannot be sent stays due; trouble with one kind or link keeps no other back.
pub async fn deliver(node: &Node, stop: &CancellationToken) {
    if let Err(error) = mails(node, stop).await {
        tracing::warn!(error, "mails that are due could not be sent; they stay due");
    }
    match deliver_notices(&node.settings, &node.journal, &node.clock, &node.name, stop).await {
        Ok(told) if told == NoticeDelivery::default() => {}
        Ok(told) => tracing::info!(sent = told.sent, waiting = told.waiting, refused = told.refused, "notices"),
        Err(error) => tracing::warn!(%error, "notices could not be sent; they stay due"),
    }
    for found in node.settings.completions() {
        if let Err(error) = ask_for_reports(node, found.link).await {
            tracing::warn!(link = %found.link.name, %error, "the outbox could not be looked at; it is tried again");
        }
    }
}

/// A first try belongs to the run that queued it; what waits for another one, because the ELM was away, is asked for here.
async fn ask_for_reports(node: &Node, link: &Completions) -> Result<(), JournalError> {
    const LOOKED_AT: u64 = 500;
    let now = node.clock.now();
    if !link.sending {
        return Ok(());
    }
    let open = node.journal.completions().open_reports(&link.name, LOOKED_AT).await?;
    if open.is_empty() {
        return Ok(());
    }
    let circuit = node.journal.completions().state(&link.name).await?.circuit;
    let may = !matches!(circuit.pass(now), SendPace::NotBefore(_));
    if may && open.iter().any(|report| circuit.is_turn_of(&report.delivery, now)) {
        ask_once(node, &Job::CheckCompletions { link: link.name.clone() }, OUTBOX, now).await?;
    }
    Ok(())
}

/// Sends the learners' mails that are due.
async fn mails(node: &Node, stop: &CancellationToken) -> Result<(), String> {
    let Some(mail) = &node.settings.mail else { return Ok(()) };
    let client = setup::make_smtp(mail).map_err(|error| with_causes(&error))?;
    let told = deliver_mails(&node.journal, &client, &node.clock, stop).await.map_err(|error| with_causes(&error))?;
    if told != MailDelivery::default() {
        tracing::info!(%told, "mails");
    }
    Ok(())
}
