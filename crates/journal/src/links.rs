//! The links at a glance, and the switch that pauses one.

use super::runs::{NewEvent, RunRow, append, counts};
use super::store::args;
use super::{JournalError, LinkState, Links, RunFilter, Runs, bounded};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::run::{Counts, EventKind, OutcomeCode};
use serde_json::json;
use std::collections::BTreeMap;

/// A link at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkOverview {
    /// Its watermark, and whether it is paused.
    pub state: LinkState,
    pub last_run: Option<RunRow>,
    /// Who runs it now, and until when unless renewed.
    pub held_by: Option<(String, Timestamp)>,
    /// Records that are not settled, by what they wait for.
    pub waiting: BTreeMap<OutcomeCode, u64>,
    pub attention: u64,
    /// Plans that wait for a person's word.
    pub plans: u64,
    /// When an Enrol or Suspend came to something last.
    pub last_record: Option<Timestamp>,
}

impl Links<'_> {
    /// Every link at a glance, by name.
    pub async fn overview(self, now: Timestamp) -> Result<Vec<LinkOverview>, JournalError> {
        let mut links = Vec::new();
        for link in self.names().await? {
            links.push(self.overview_of(&link, now).await?);
        }
        Ok(links)
    }

    async fn overview_of(self, link: &LinkName, now: Timestamp) -> Result<LinkOverview, JournalError> {
        let name = link.as_str();
        let filter = RunFilter { link: Some(link.clone()), limit: 1, ..RunFilter::default() };
        let held = "SELECT holder, expires_ms FROM lease WHERE link = $1 AND holder IS NOT NULL AND expires_ms > $2";
        let held_by = match self.store.row(held, args![name, now]).await? {
            Some(row) => Some((row.text("holder")?, row.time("expires_ms")?)),
            None => None,
        };
        let waiting =
            "SELECT code, COUNT(*) AS total FROM record WHERE link = $1 AND standing <> 'settled' GROUP BY code";
        let waiting = self.store.rows(waiting, args![name]).await?;
        let waiting = waiting
            .iter()
            .map(|row| Ok((row.word("code", OutcomeCode::read)?, row.count("total")?)))
            .collect::<Result<_, JournalError>>()?;
        let last = "SELECT at_ms FROM record WHERE link = $1 AND action IN ('Enrol', 'Suspend') AND code <> 'received'
            ORDER BY at_ms DESC, id DESC LIMIT 1";
        Ok(LinkOverview {
            state: self.state(link).await?,
            last_run: Runs { store: self.store }.list(&filter).await?.into_iter().next(),
            held_by,
            waiting,
            attention: self.total("attention WHERE link = $1 AND closed_ms IS NULL", link).await?,
            plans: self.total("plan WHERE link = $1 AND state = 'blocked'", link).await?,
            last_record: self.store.row(last, args![name]).await?.map(|row| row.time("at_ms")).transpose()?,
        })
    }

    async fn total(self, of: &str, link: &LinkName) -> Result<u64, JournalError> {
        let row = self.store.row(&format!("SELECT COUNT(*) AS total FROM {of}"), args![link.as_str()]).await?;
        row.map_or(Ok(0), |row| row.count("total"))
    }

    /// Pauses a link: nothing of it is run or sent until it goes on. What comes due is kept.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where it is paused already.
    pub async fn pause(self, link: &LinkName, by: &str, why: &str, now: Timestamp) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        super::feed::make_link(&mut tx, link, now).await?;
        let sql =
            "UPDATE link SET paused_ms = $2, paused_by = $3, paused_why = $4 WHERE name = $1 AND paused_ms IS NULL";
        if tx.run(sql, args![link.as_str(), now, by, bounded(why)]).await? == 0 {
            return Err(JournalError::Conflict { what: format!("link {link} is paused already") });
        }
        let event = NewEvent::of(EventKind::Acted, json!({"act": "pause", "why": bounded(why)})).by(by);
        append(&mut tx, None, link, &[event], now).await?;
        tx.commit().await
    }

    /// Lets a paused link go on.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where it is not paused.
    pub async fn resume(self, link: &LinkName, by: &str, now: Timestamp) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        let sql = "UPDATE link SET paused_ms = NULL, paused_by = '', paused_why = ''
            WHERE name = $1 AND paused_ms IS NOT NULL";
        if tx.run(sql, args![link.as_str()]).await? == 0 {
            return Err(JournalError::Conflict { what: format!("link {link} is not paused") });
        }
        let event = NewEvent::of(EventKind::Acted, json!({"act": "go on"})).by(by);
        append(&mut tx, None, link, &[event], now).await?;
        tx.commit().await
    }
}

impl Runs<'_> {
    /// What the runs of a link, or of all, came to in sum since a moment; of records that wait or need a human, which each run
    /// meets again, the most that one run met.
    pub async fn totals_since(self, link: Option<&LinkName>, since: Timestamp) -> Result<Counts, JournalError> {
        let columns = [
            "records",
            "enrolled",
            "suspended",
            "errors",
            "skipped",
            "waiting",
            "planned",
            "accounts",
            "mails",
            "calls",
        ];
        let sum = |column: &&str| {
            let of = if matches!(*column, "errors" | "waiting" | "planned") { "MAX" } else { "SUM" };
            format!("CAST(COALESCE({of}({column}), 0) AS BIGINT) AS {column}")
        };
        let sums: Vec<String> = columns.iter().map(sum).collect();
        let sql = format!("SELECT {} FROM run WHERE started_ms >= $1 AND ($2 = '' OR link = $2)", sums.join(", "));
        let row = self.store.row(&sql, args![since, link.map_or("", LinkName::as_str)]).await?;
        row.as_ref().map_or_else(|| Ok(Counts::default()), counts)
    }
}
