//! The outbox's mails: claimed, sent once, and settled with the server's answer.
//!
//! A mail whose fate is unknown is never sent again by itself: a human may. Next: [`crate::smtp`].

use crate::smtp::{Mail, SmtpClient, SmtpError};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_journal::{Claimed, Journal, JournalError, OutboxKind, SendOutcome};
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio_util::sync::CancellationToken;

/// One at a time: should the process die, the fate of one mail is unknown and not that of many.
const CLAIM: u64 = 1;
/// A claim this old was left by a process that died: no server takes so long over one mail.
const CLAIM_MAX: SignedDuration = SignedDuration::from_mins(30);
/// A mail that is put off is tried so often, with growing pauses: about two days.
const ATTEMPTS_MAX: i64 = 20;
/// The longest pause between two tries.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(4);

/// A mail as the outbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMail {
    /// The receiver.
    pub to: String,
    /// The sender.
    pub from: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// The same for every try.
    pub message_id: String,
}

/// What became of the mails that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MailDelivery {
    /// Taken by the server.
    pub sent: u64,
    /// Put off; tried again later.
    pub waiting: u64,
    /// Refused for good.
    pub refused: u64,
    /// Sent, and no answer came.
    pub unknown: u64,
}

impl MailDelivery {
    /// Whether a mail was not taken by the server, or may not have been.
    pub fn is_unfinished(&self) -> bool {
        self.refused + self.unknown + self.waiting > 0
    }
}

impl fmt::Display for MailDelivery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, waiting, refused, unknown } = self;
        write!(out, "{sent} sent")?;
        for (count, what) in [(waiting, "put off"), (refused, "refused"), (unknown, "without an answer")] {
            if *count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Sends every mail that is due, one after the other. A server that cannot be reached or falls silent ends
/// it: the rest stays due. A mail
/// that the server puts off keeps no other back. What a dead process was sending is said to be unknown, and left alone.
///
/// # Errors
/// [`JournalError`]; a mail that was sent and could not be recorded counts as unknown once its claim is old.
pub async fn deliver_mails(
    journal: &Journal,
    client: &SmtpClient,
    clock: &Clock,
    stop: &CancellationToken,
) -> Result<MailDelivery, JournalError> {
    let who = format!("process {}", std::process::id());
    let now = clock.now();
    let before = now.checked_sub(CLAIM_MAX).unwrap_or(Timestamp::MIN);
    let unknown = journal.outbox().expire_claims(OutboxKind::Mail, before, now).await?;
    let mut told = MailDelivery { unknown, ..MailDelivery::default() };
    'more: while !stop.is_cancelled() {
        let claimed = journal.outbox().claim_due(OutboxKind::Mail, None, &who, clock.now(), CLAIM).await?;
        if claimed.is_empty() {
            break;
        }
        for row in &claimed {
            let Sent { delivery, answer, server } = send(row, client, clock).await;
            match &delivery {
                SendOutcome::Sent => told.sent += 1,
                SendOutcome::Retry(_) => told.waiting += 1,
                SendOutcome::Refused | SendOutcome::Cancelled => told.refused += 1,
                SendOutcome::Unknown => told.unknown += 1,
            }
            journal.outbox().settle(row, &who, &delivery, &answer, clock.now()).await?;
            if server == Server::Gone {
                break 'more;
            }
        }
    }
    client.close().await;
    Ok(told)
}

/// Whether another mail is worth a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    There,
    Gone,
}

/// What became of one try.
struct Sent {
    delivery: SendOutcome,
    answer: String,
    server: Server,
}

async fn send(row: &Claimed, client: &SmtpClient, clock: &Clock) -> Sent {
    let now = clock.now();
    let Ok(queued) = serde_json::from_value::<QueuedMail>(row.payload.clone()) else {
        let answer = "the stored mail cannot be read".to_owned();
        return Sent { delivery: SendOutcome::Refused, answer, server: Server::There };
    };
    let QueuedMail { to, from, subject, text, html, message_id } = queued;
    let mail = Mail { to, from, subject, html: Some(html), text, message_id, date: now, headers: Vec::new() };
    match client.send(&mail).await {
        Ok(()) => Sent { delivery: SendOutcome::Sent, answer: "accepted".to_owned(), server: Server::There },
        Err(error) => {
            // A server that falls silent would be given mail after mail, each of unknown fate.
            let gone =
                matches!(error, SmtpError::NotSent { .. } | SmtpError::Denied { .. } | SmtpError::Unknown { .. });
            let server = if gone { Server::Gone } else { Server::There };
            Sent { delivery: judge(&error, row.attempt, now), answer: error.to_string(), server }
        }
    }
}

fn judge(error: &SmtpError, attempt: i64, now: Timestamp) -> SendOutcome {
    match error {
        SmtpError::Unknown { .. } => SendOutcome::Unknown,
        _ if error.is_transient() && attempt < ATTEMPTS_MAX => {
            let doublings = u32::try_from(attempt.clamp(0, 10)).unwrap_or(10);
            let pause = SignedDuration::from_mins(1_i64 << doublings).min(PAUSE_MAX);
            SendOutcome::Retry(now.checked_add(pause).unwrap_or(now))
        }
        // A password that is wrong is mended by the operator: the mail waits for it.
        SmtpError::Denied { .. } if attempt < ATTEMPTS_MAX => {
            SendOutcome::Retry(now.checked_add(PAUSE_MAX).unwrap_or(now))
        }
        _ => SendOutcome::Refused,
    }
}
