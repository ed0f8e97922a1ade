//! The feed's side of the journal: records come in with the watermark that covers them, and come out again when due.

mod ingest;
mod stored;
mod waiting;

pub use ingest::{FeedRead, Ingested};
pub(super) use stored::{FIELDS, StoredRecord, texts};
pub use waiting::{AwaitedCourse, WaitingRecord};

use super::store::{Arg, Bulk, BulkRow, Column, Tx, args};
use super::{JournalError, Links, Records};
use jiff::Timestamp;
use rollbook_core::model::{Fingerprint, LinkName, RecordText};
use rollbook_core::run::OutcomeCode;
use rollbook_core::window::Covered;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    pub link: LinkName,
    /// Up to which record creation time the feed is covered.
    pub watermark: Option<Timestamp>,
    /// When it was run first.
    pub first_run: Option<Timestamp>,
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

impl<K: Serialize> BulkRow for KeyRow<'_, K> {
    fn columns() -> Vec<Column> {
        vec![Column { name: "key", pg_type: "TEXT", is_stored: false }]
    }
}

/// One text per row.
pub(super) fn keys<K: Serialize>(keys: &[K]) -> Bulk {
    let rows: Vec<KeyRow<'_, K>> = keys.iter().map(|key| KeyRow { key }).collect();
    Bulk::pack(&rows)
}

const KNOWN: &str = "
    SELECT record.fingerprint, record.code FROM {rows}
    {join} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''";

const KNOWN_ENROLMENT_IDS: &str = "
    SELECT record.fingerprint, record.enrolment_id FROM {rows}
    {join} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''";

impl Records<'_> {
    /// Which of these records are known, and how each stands (see `rollbook_core::run::standing`).
    pub async fn known(
        self,
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

    /// The texts under which these fingerprints were stored. What was taken over from an earlier system is left out, since its
    /// texts may be written in another way.
    pub async fn known_texts(
        self,
        link: &LinkName,
        records: &[Fingerprint],
    ) -> Result<BTreeMap<Fingerprint, RecordText>, JournalError> {
        let sql = format!(
            "SELECT {FIELDS} FROM {{rows}}
             {{join}} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''
             WHERE record.code <> 'imported'"
        );
        let rows = self.store.bulk_rows(&sql, &keys(records), args![link.as_str()]).await?;
        rows.iter().map(|row| Ok((row.word("fingerprint", |hex| hex.parse().ok())?, texts(row)?))).collect()
    }

    /// The records whose person is in doubt, and that a run whose plan was cleared left so.
    pub async fn known_doubts(self, link: &LinkName) -> Result<BTreeSet<Fingerprint>, JournalError> {
        let sql = "SELECT fingerprint, code FROM record WHERE link = $1 AND standing <> 'settled' AND cleared = 1";
        let mut doubts = BTreeSet::new();
        for row in self.store.rows(sql, args![link.as_str()]).await? {
            if row.word("code", OutcomeCode::read)?.doubts_identity() {
                doubts.insert(row.word("fingerprint", |hex| hex.parse().ok())?);
            }
        }
        Ok(doubts)
    }
}

impl Links<'_> {
    /// The links that are known, by name.
    pub async fn names(self) -> Result<Vec<LinkName>, JournalError> {
        let rows = self.store.rows("SELECT name FROM link ORDER BY name", args![]).await?;
        rows.iter().map(|row| row.text("name").map(LinkName::new)).collect()
    }

    /// How a link stands; one that never ran has no watermark and is not paused.
    pub async fn state(self, link: &LinkName) -> Result<LinkState, JournalError> {
        let sql = "SELECT watermark_ms, paused_ms, paused_by, paused_why,
            (SELECT MIN(started_ms) FROM run WHERE run.link = link.name) AS first_ms FROM link WHERE name = $1";
        let args: Vec<Arg> = args![link.as_str()];
        let Some(row) = self.store.row(sql, args).await? else {
            return Ok(LinkState { link: link.clone(), watermark: None, first_run: None, paused: None });
        };
        let paused = match row.maybe_time("paused_ms")? {
            Some(since) => Some((since, row.text("paused_by")?, row.text("paused_why")?)),
            None => None,
        };
        let (watermark, first_run) = (row.maybe_time("watermark_ms")?, row.maybe_time("first_ms")?);
        Ok(LinkState { link: link.clone(), watermark, first_run, paused })
    }

    /// How far a link has come with its feed.
    pub async fn covered(self, link: &LinkName) -> Result<Covered, JournalError> {
        let LinkState { watermark, first_run, .. } = self.state(link).await?;
        Ok(Covered { until: watermark, first_run })
    }
}
