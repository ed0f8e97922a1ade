//! Opens an attention item where a human must look, and closes it when nothing waits behind it any more.

use super::Change;
use crate::store::{Bulk, Tx, args, row};
use crate::{JournalError, bounded};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::run::Verdict;
use std::collections::{BTreeMap, BTreeSet};

row! {
    struct Item<'a> {
        kind: &'static str,
        subject: String,
        title: String,
        evidence: &'a str,
    }
}

const OPEN: &str = "
    INSERT INTO attention (link, opened_ms, seen_ms, {columns})
    SELECT $2, $3, $3, {values} FROM {rows} WHERE true
    ON CONFLICT (link, kind, subject) WHERE closed_ms IS NULL
    DO UPDATE SET seen_ms = excluded.seen_ms, title = excluded.title, evidence = excluded.evidence
    RETURNING id, kind, subject";

/// Opens or refreshes what the changes need, and sets it in them. Gives the items that records leave.
pub(super) async fn open_needed(
    tx: &mut Tx,
    link: &LinkName,
    changes: &mut [Change<'_>],
    now: Timestamp,
) -> Result<Vec<i64>, JournalError> {
    let mut items: BTreeMap<(&'static str, String), Item<'_>> = BTreeMap::new();
    for change in changes.iter().filter(|change| needs_item(change)) {
        let (kind, subject) = (change.code().as_str(), subject_of(change));
        let words = change.decision.verdict.to_string();
        // A record that cannot be used is about nobody: its trouble is all that is known.
        let title = if words == subject { words } else { format!("{subject}: {words}") };
        let title = bounded(&title).to_owned();
        let item = Item { kind, subject: subject.clone(), title, evidence: &change.evidence };
        items.insert((kind, subject), item);
    }
    let rows: Vec<&Item<'_>> = items.values().collect();
    let opened = tx.bulk_rows(OPEN, &Bulk::pack(&rows), args![link.as_str(), now]).await?;
    let mut ids = BTreeMap::new();
    for row in &opened {
        ids.insert((row.text("kind")?, row.text("subject")?), row.int("id")?);
    }
    let mut left = BTreeSet::new();
    for change in changes.iter_mut() {
        if needs_item(change) {
            change.attention = ids.get(&(change.code().as_str().to_owned(), subject_of(change))).copied();
        } else if !change.needs_attention() {
            change.attention = None;
        }
        left.extend(change.before.attention.filter(|before| change.attention != Some(*before)));
    }
    Ok(left.into_iter().collect())
}

/// An unchanged record that waits behind its item already needs nothing.
fn needs_item(change: &Change<'_>) -> bool {
    change.needs_attention() && (change.is_new || change.before.attention.is_none())
}

row! {
    struct Id {
        id: i64,
    }
}

const CLOSE: &str = "
    UPDATE attention SET closed_ms = $2 FROM {rows}
    WHERE attention.id = r.id AND attention.closed_ms IS NULL
        AND NOT EXISTS (SELECT 1 FROM record WHERE record.attention = attention.id)";

/// Closes those of the items behind which no record waits any more.
pub(crate) async fn close_unneeded(tx: &mut Tx, items: &[i64], now: Timestamp) -> Result<u64, JournalError> {
    let rows: Vec<Id> = items.iter().map(|id| Id { id: *id }).collect();
    tx.bulk_run(CLOSE, &Bulk::pack(&rows), args![now]).await
}

/// What an item is about: one course's trouble is one item, however many records wait behind it.
fn subject_of(change: &Change<'_>) -> String {
    use rollbook_core::run::OutcomeCode as C;
    let before = &change.before;
    match change.code() {
        C::CourseNotFound | C::NoManualInstance | C::CourseAmbiguous => before.course.to_string(),
        C::TwoAccounts
        | C::MailMismatch
        | C::GuidChanged
        | C::GuidLost
        | C::AccountBlocked
        | C::UsernameRefused
        | C::NameMissing
        | C::Protected
        | C::AccountRefused => before.guid.folded(),
        C::SharedAddress => before.mail.folded(),
        C::Invalid => match &change.decision.verdict {
            Verdict::Invalid { problem } => problem.to_string(),
            _ => String::new(),
        },
        _ => format!("{} in {}", before.guid.folded(), before.course),
    }
}
