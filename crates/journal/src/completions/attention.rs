//! What a human is asked about completions: opened once, refreshed while it lasts, closed when nothing waits behind it.

use crate::store::{Bulk, Tx, args, row};
use crate::{JournalError, bounded};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// Something that a human is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAttention {
    /// What about: `completion_` and the reason's code.
    pub kind: String,
    /// Whom or what it is about.
    pub subject: String,
    pub title: String,
    pub evidence: Value,
}

/// Every kind that completions ask by begins so.
pub(crate) const PREFIX: &str = "completion_";

row! {
    struct NewRow<'a> {
        kind: &'a str,
        subject: &'a str,
        title: &'a str,
        evidence: String,
    }
}

const OPEN: &str = "
    INSERT INTO attention (link, opened_ms, seen_ms, {columns})
    SELECT $2, $3, $3, {values} FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM attention x WHERE x.link = $2 AND x.kind = r.kind AND x.subject = r.subject
        AND x.action = 'ignore')
    ON CONFLICT (link, kind, subject) WHERE closed_ms IS NULL
    DO UPDATE SET seen_ms = excluded.seen_ms, title = excluded.title, evidence = excluded.evidence";

row! {
    struct IdRow {
        id: i64,
    }
}

const CLOSE: &str = "UPDATE attention SET closed_ms = $2 FROM {rows} WHERE attention.id = r.id";

/// Opens or refreshes. What a person decided to ignore is not asked again.
pub(super) async fn open(
    tx: &mut Tx,
    link: &LinkName,
    items: &[NewAttention],
    now: Timestamp,
) -> Result<(), JournalError> {
    let rows: Vec<NewRow<'_>> = items
        .iter()
        .map(|NewAttention { kind, subject, title, evidence }| NewRow {
            kind,
            subject,
            title: bounded(title),
            evidence: evidence.to_string(),
        })
        .collect();
    tx.bulk_run(OPEN, &Bulk::pack(&rows), args![link.as_str(), now]).await?;
    Ok(())
}

/// Closes what is open of these kinds and not among what is still asked. With `about`, only what is about those subjects.
pub(super) async fn close_others(
    tx: &mut Tx,
    link: &LinkName,
    kinds: &[&str],
    still: &[NewAttention],
    about: Option<&BTreeSet<String>>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let sql = "SELECT id, kind, subject FROM attention WHERE link = $1 AND closed_ms IS NULL AND kind LIKE 'completion!_%' ESCAPE '!'";
    let asked: HashSet<(&str, &str)> = still.iter().map(|item| (item.kind.as_str(), item.subject.as_str())).collect();
    let mut ids = Vec::new();
    for row in tx.rows(sql, args![link.as_str()]).await? {
        let (kind, subject) = (row.text("kind")?, row.text("subject")?);
        let is_asked = asked.contains(&(kind.as_str(), subject.as_str()));
        let is_meant = kinds.contains(&kind.as_str()) && about.is_none_or(|about| about.contains(&subject));
        if is_meant && !is_asked {
            ids.push(IdRow { id: row.int("id")? });
        }
    }
    tx.bulk_run(CLOSE, &Bulk::pack(&ids), args![now]).await?;
    Ok(())
}
