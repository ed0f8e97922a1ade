//! Troubles → episodes → one notice per link, to those who are to hear of it.

use super::alerts::{Found, find_alerts};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::notice::{AlertKind, follow, make_digest};
use rollbook_journal::{Journal, JournalError};
use rollbook_settings::Settings;
use rollbook_settings::link::Link;

/// Judges every link. Alert with one keeps no other back.
pub async fn judge_all(settings: &Settings, journal: &Journal, now: Timestamp) {
    for link in settings.links.values() {
        if let Err(error) = judge_link(settings, journal, link, now).await {
            tracing::warn!(link = %link.name(), %error, "the troubles of a link could not be judged; it is tried again");
        }
    }
}

/// Judges one link: what began, goes on and ended since the last look becomes one notice. Gives its number, if there is one.
///
/// # Errors
/// Those of the database only; what is to be told is told next time.
pub async fn judge_link(
    settings: &Settings,
    journal: &Journal,
    link: &Link,
    now: Timestamp,
) -> Result<Option<i64>, JournalError> {
    let open = journal.notices().open_episodes(link.name()).await?;
    let silence = open.iter().find(|episode| episode.kind == AlertKind::FeedSilent).map(|episode| episode.told);
    let Found { troubles, looked } = find_alerts(settings, journal, link, silence, now).await?;
    let reminder = SignedDuration::try_from(settings.notify.reminder).unwrap_or(SignedDuration::MAX);
    let turns = follow(&open, &troubles, &looked, reminder, now);
    if turns.is_empty() {
        return Ok(None);
    }
    let public = settings.server.public_url.as_ref().map(ToString::to_string);
    let zone = &link.schedule().timezone;
    let word = |turns: &[_]| make_digest(link.name().as_str(), turns, public.as_deref(), zone);
    let told = journal.notices().record(link.name(), &turns, &ways(settings, link), word, now).await?;
    if let Some(notice) = told {
        tracing::info!(link = %link.name(), notice, turns = turns.len(), "operators are told");
    }
    Ok(told)
}

/// The word of the webhook among the ways; every other is a mail address.
pub(super) const WEBHOOK: &str = "webhook";

/// Who hears of a link, each by one row of the outbox.
fn ways(settings: &Settings, link: &Link) -> Vec<String> {
    let own = &link.schedule().notify;
    let list = if own.is_empty() { &settings.notify.to } else { own };
    let mails = list.iter().map(ToString::to_string).filter(|_| settings.mail.is_some());
    let hook = link.schedule().webhook.as_ref().or(settings.notify.webhook.as_ref());
    let hook = hook.iter().map(|_| WEBHOOK.to_owned());
    let mut ways: Vec<String> = mails.chain(hook).collect();
    ways.sort();
    ways.dedup();
    ways
}
