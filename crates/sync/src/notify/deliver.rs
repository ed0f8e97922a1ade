//! The outbox's notices: claimed, sent, and tried again with growing pauses until they are taken.
//!
//! Unlike a learner's mail, a notice whose fate is unknown is sent again: told twice is better than not told. Each try carries
//! the same message id, by which mailboxes drop the second.

use super::judge::WEBHOOK;
use crate::smtp::{Mail, SmtpClient, SmtpError, SmtpOptions};
use crate::webhook::WebhookClient;
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::{Claimed, Journal, JournalError, NoticeRow, OutboxKind, SendOutcome};
use rollbook_remote::http::SetupError;
use rollbook_settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// A claim this old was left by a process that died.
const CLAIM_MAX: SignedDuration = SignedDuration::from_mins(10);
/// The longest pause between two tries.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(1);
/// About ten days of tries.
const ATTEMPTS_MAX: i64 = 240;

/// What became of the notices that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NoticeDelivery {
    /// Taken.
    pub sent: u64,
    /// Tried again later.
    pub waiting: u64,
    /// Refused for good.
    pub refused: u64,
}

/// What an outbox row of a notice holds.
#[derive(Deserialize)]
struct Due {
    notice: i64,
    way: String,
}

/// How notices leave.
struct Ways<'a> {
    smtp: Option<(SmtpClient, &'a lettre::message::Mailbox)>,
    hook: Option<WebhookClient>,
    /// Of links that have their own.
    hooks: BTreeMap<LinkName, WebhookClient>,
}

impl Ways<'_> {
    fn hook_of(&self, link: &LinkName) -> Option<&WebhookClient> {
        self.hooks.get(link).or(self.hook.as_ref())
    }
}

/// Sends every notice that is due, once each. A server that is away is asked once for each of its notices and not again before
/// their pauses are over; one way's trouble keeps no other back.
///
/// # Errors
/// [`JournalError`]
pub async fn deliver_notices(
    settings: &Settings,
    journal: &Journal,
    clock: &Clock,
    who: &str,
    stop: &CancellationToken,
) -> Result<NoticeDelivery, JournalError> {
    let mut told = NoticeDelivery::default();
    let now = clock.now();
    let before = now.checked_sub(CLAIM_MAX).unwrap_or(Timestamp::MIN);
    let mut rows = journal.outbox().reclaim_stale(OutboxKind::Notice, who, before, now, 100).await?;
    if rows.is_empty() {
        rows = journal.outbox().claim_due(OutboxKind::Notice, None, who, now, 1).await?;
    }
    if rows.is_empty() {
        return Ok(told);
    }
    let ways = match make_ways(settings) {
        Ok(ways) => ways,
        Err(error) => {
            tracing::error!(%error, "notices cannot be sent");
            Ways { smtp: None, hook: None, hooks: BTreeMap::new() }
        }
    };
    while !rows.is_empty() {
        for row in &rows {
            let (delivery, answer) = send(row, &ways, journal, clock).await?;
            match delivery {
                SendOutcome::Sent => told.sent += 1,
                SendOutcome::Retry(_) | SendOutcome::Unknown => told.waiting += 1,
                SendOutcome::Refused | SendOutcome::Cancelled => {
                    told.refused += 1;
                    tracing::error!(outbox = row.id, answer, "a notice was refused for good: nobody hears of it there");
                }
            }
            journal.outbox().settle(row, who, &delivery, &answer, clock.now()).await?;
        }
        if stop.is_cancelled() {
            break;
        }
        rows = journal.outbox().claim_due(OutboxKind::Notice, None, who, clock.now(), 1).await?;
    }
    if let Some((smtp, _)) = &ways.smtp {
        smtp.close().await;
    }
    Ok(told)
}

fn make_ways(settings: &Settings) -> Result<Ways<'_>, SetupError> {
    let smtp = match &settings.mail {
        Some(mail) => {
            let options =
                SmtpOptions { url: mail.smtp.expose().into(), timeout: mail.timeout, per_minute: mail.per_minute };
            Some((SmtpClient::new(&options)?, &mail.from))
        }
        None => None,
    };
    let hook = settings.notify.webhook.as_ref().map(|url| WebhookClient::new(&url.expose().into())).transpose()?;
    let mut hooks = BTreeMap::new();
    for link in settings.links.values() {
        if let Some(url) = &link.schedule().webhook {
            hooks.insert(link.name().clone(), WebhookClient::new(&url.expose().into())?);
        }
    }
    Ok(Ways { smtp, hook, hooks })
}

async fn send(
    row: &Claimed,
    ways: &Ways<'_>,
    journal: &Journal,
    clock: &Clock,
) -> Result<(SendOutcome, String), JournalError> {
    let Ok(Due { notice, way }) = serde_json::from_value(row.payload.clone()) else {
        return Ok((SendOutcome::Refused, "the stored notice cannot be read".to_owned()));
    };
    let notice = match journal.notices().find(notice).await {
        Ok(notice) => notice,
        Err(error @ JournalError::NotFound { .. }) => return Ok((SendOutcome::Cancelled, error.to_string())),
        Err(error) => return Err(error),
    };
    let now = clock.now();
    Ok(match (way.as_str(), ways.hook_of(&notice.link), &ways.smtp) {
        (WEBHOOK, Some(hook), _) => match hook.post(&body(&notice), &row.dedupe).await {
            Ok(()) => (SendOutcome::Sent, "accepted".to_owned()),
            Err(error) if error.is_transient() => (again(row.attempt, now), error.to_string()),
            Err(error) => (SendOutcome::Refused, error.to_string()),
        },
        (WEBHOOK, None, _) => (SendOutcome::Cancelled, "there is no webhook any more".to_owned()),
        (to, _, Some((smtp, from))) => match smtp.send(&mail(&notice, to, from, row, now)).await {
            Ok(()) => (SendOutcome::Sent, "accepted".to_owned()),
            Err(error @ (SmtpError::Invalid { .. } | SmtpError::Refused { .. })) => {
                (SendOutcome::Refused, error.to_string())
            }
            Err(error) => (again(row.attempt, now), error.to_string()),
        },
        (_, _, None) => (again(row.attempt, now), "there is no way to send mail".to_owned()),
    })
}

/// A minute, two, four, … an hour; after about ten days it is given up.
fn again(attempt: i64, now: Timestamp) -> SendOutcome {
    if attempt >= ATTEMPTS_MAX {
        return SendOutcome::Refused;
    }
    let doublings = u32::try_from((attempt - 1).clamp(0, 10)).unwrap_or(10);
    let pause = SignedDuration::from_mins(1_i64 << doublings).min(PAUSE_MAX);
    SendOutcome::Retry(now.checked_add(pause).unwrap_or(now))
}

/// What a webhook gets. `text` is there for chat systems that show just that.
fn body(notice: &NoticeRow) -> serde_json::Value {
    let digest = &notice.digest;
    json!({
        "notice": notice.id, "link": digest.link, "title": digest.title, "lines": digest.lines,
        "left_out": digest.left_out, "made": notice.made, "text": format!("{}\n\n{}", digest.title, digest.text),
    })
}

fn mail(notice: &NoticeRow, to: &str, from: &lettre::message::Mailbox, row: &Claimed, now: Timestamp) -> Mail {
    Mail {
        to: to.to_owned(),
        from: from.to_string(),
        subject: format!("[Rollbook] {}", notice.digest.title),
        html: None,
        text: notice.digest.text.clone(),
        message_id: format!("<{}@rollbook.invalid>", row.dedupe.replace('/', ".")),
        date: now,
        headers: Vec::new(),
    }
}
