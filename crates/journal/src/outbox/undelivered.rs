//! Mails that nobody got, as far as is known: each is an item that needs attention until it is sent again or given up.

use super::OutboxKind;
use crate::store::{Row, Tx, args};
use crate::{AttentionItem, JournalError, bounded};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What the kinds of these items begin with.
const PREFIX: &str = "mail_";

const OPEN: &str = "
    INSERT INTO attention (link, kind, subject, title, evidence, opened_ms, seen_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (link, kind, subject) WHERE closed_ms IS NULL
    DO UPDATE SET seen_ms = excluded.seen_ms, title = excluded.title, evidence = excluded.evidence";

const CLOSE: &str = "
    UPDATE attention SET closed_ms = $2 WHERE closed_ms IS NULL AND subject = $1 AND kind IN ('mail_refused', 'mail_unknown')";

/// Opens an item for a mail that was refused for good, or whose fate is not known. Other rows of the outbox have items of their
/// own kind.
pub(super) async fn open(
    tx: &mut Tx,
    row: &Row,
    state: &str,
    answer: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let is_open = matches!(state, "refused" | "unknown");
    if !is_open || row.text("kind")? != OutboxKind::Mail.as_str() {
        return Ok(());
    }
    let id = row.int("id")?;
    let payload: Value = row.json("payload")?;
    let word = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    let (to, subject) = (word("to"), word("subject"));
    let title = match state {
        "refused" => format!("the mail \"{subject}\" to {to} was refused: {answer}"),
        _ => format!("whether the mail \"{subject}\" to {to} arrived is not known: {answer}"),
    };
    let evidence = json!({"outbox": id, "to": to, "subject": subject, "answer": bounded(answer)});
    let (link, kind) = (row.text("link")?, format!("{PREFIX}{state}"));
    tx.run(OPEN, args![link, kind, id.to_string(), bounded(&title), evidence.to_string(), now]).await?;
    Ok(())
}

/// Closes the items of a mail that is due again.
pub(super) async fn close(tx: &mut Tx, id: i64, now: Timestamp) -> Result<(), JournalError> {
    tx.run(CLOSE, args![id.to_string(), now]).await?;
    Ok(())
}

/// The row of the outbox that an item is about.
pub(crate) fn row_of(item: &AttentionItem) -> Option<i64> {
    item.kind.starts_with(PREFIX).then(|| item.evidence.get("outbox").and_then(Value::as_i64)).flatten()
}
