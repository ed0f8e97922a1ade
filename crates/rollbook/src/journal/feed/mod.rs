//! The feed's side of the journal: records come in with the watermark that covers them, and come out again when due.

mod ingest;
mod stored;
mod waiting;

pub use ingest::{FeedRead, Ingested};
pub use waiting::WaitingRecord;

use super::store::{Arg, Bulk, Column, Tx, args, column_text};
use super::{Journal, JournalError};
use jiff::Timestamp;
use rollbook_core::model::{Age, ElmCourseId, EnrolState, Fingerprint, Guid, LinkName};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::OutcomeCode;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The link.
    pub link: LinkName,
    /// Up to which record creation time the feed is covered.
    pub watermark: Option<Timestamp>,
    /// Since when it is paused, by whom and why.
    pub paused: Option<(Timestamp, String, String)>,
}

/// Makes sure that a link has its row.
pub(super) async fn make_link(tx: &mut Tx, link: &LinkName, now: Timestamp) -> Result<(), JournalError> {
    let sql = "INSERT INTO link (name, created_ms) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    tx.run(sql, args![link.as_str(), now]).await?;
    Ok(())
}

#[derive(Serialize)]
struct KeyRow<'a, K: Serialize> {
    key: &'a K,
}

const KEY: &[Column] = &[column_text("key")];

/// One text per row.
pub(super) fn keys<K: Serialize>(keys: &[K]) -> Bulk {
    let rows: Vec<KeyRow<'_, K>> = keys.iter().map(|key| KeyRow { key }).collect();
    Bulk::pack(KEY, &rows)
}

const KNOWN: &str = "
    SELECT record.fingerprint, record.code FROM {rows}
    JOIN record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''";

const KNOWN_ENROLMENT_IDS: &str = "
    SELECT record.fingerprint, record.enrolment_id FROM {rows}
    JOIN record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''";

const APPLIED: &str = "
    SELECT applied.guid_fold, applied.course, applied.changed_ms, applied.created_ms, applied.number, applied.state,
        applied.fingerprint FROM {rows}
    JOIN applied ON applied.link = $2 AND applied.guid_fold = r.key";

impl Journal {
    /// Which of these records are known, and how each stands (see `rollbook_core::run::standing`).
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn known(
        &self,
        link: &LinkName,
        records: &[Fingerprint],
    ) -> Result<BTreeMap<Fingerprint, OutcomeCode>, JournalError> {
        let rows = self.store.bulk_rows(KNOWN, &keys(records), args![link.as_str()]).await?;
        rows.iter()
            .map(|row| {
                let fingerprint = row.word("fingerprint", |text| text.parse().ok())?;
                Ok((fingerprint, row.word("code", OutcomeCode::read)?))
            })
            .collect()
    }

    /// The newest state that was applied for each course of these people, by folded GUID.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn applied(
        &self,
        link: &LinkName,
        people: &[Guid],
    ) -> Result<BTreeMap<(String, ElmCourseId), AppliedState>, JournalError> {
        let mut folded: Vec<String> = people.iter().map(Guid::folded).collect();
        folded.sort_unstable();
        folded.dedup();
        let rows = self.store.bulk_rows(APPLIED, &keys(&folded), args![link.as_str()]).await?;
        rows.iter()
            .map(|row| {
                let key = (row.text("guid_fold")?, ElmCourseId::new(row.text("course")?));
                let state = AppliedState {
                    age: Age {
                        changed: row.time("changed_ms")?,
                        created: row.time("created_ms")?,
                        number: row.maybe_int("number")?.and_then(|number| u64::try_from(number).ok()),
                    },
                    record: row.word("fingerprint", |hex| hex.parse().ok())?,
                    state: row.word("state", EnrolState::read)?,
                };
                Ok((key, state))
            })
            .collect()
    }

    /// How a link stands; one that never ran has no watermark and is not paused.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn link_state(&self, link: &LinkName) -> Result<LinkState, JournalError> {
        let sql = "SELECT watermark_ms, paused_ms, paused_by, paused_why FROM link WHERE name = $1";
        let args: Vec<Arg> = args![link.as_str()];
        let Some(row) = self.store.row(sql, args).await? else {
            return Ok(LinkState { link: link.clone(), watermark: None, paused: None });
        };
        let paused = match row.maybe_time("paused_ms")? {
            Some(since) => Some((since, row.text("paused_by")?, row.text("paused_why")?)),
            None => None,
        };
        Ok(LinkState { link: link.clone(), watermark: row.maybe_time("watermark_ms")?, paused })
    }
}
