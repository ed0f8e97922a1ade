//! How the schedule of each link stands, whose word is over the configuration, and which processes serve.
//!
//! A slot (a due time) is covered in the transaction that puts the request for its run: it is run once, however many nodes
//! look at it, and a node that dies loses the request to another. Computing due times is the crate `sync`.

use super::requests::{Job, Narrow, Purpose, RequestId, SCHEDULE};
use super::runs::{NewEvent, append};
use super::store::{Row, args};
use super::{JournalError, Nodes, Schedule, bounded};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::run::EventKind;
use serde_json::json;
use std::collections::BTreeMap;

/// A person's word over the configuration's `enabled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSwitch {
    /// Whether the link runs by itself.
    pub enabled: bool,
    pub since: Timestamp,
    pub by: String,
    pub why: String,
}

/// How the schedule of a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    pub link: LinkName,
    /// A person's word over the configuration, where there is one.
    pub switch: Option<LinkSwitch>,
    /// Since when a process watches it.
    pub since: Timestamp,
    /// The newest due time that was covered.
    pub covered: Option<Timestamp>,
    /// When the next run begins, jitter included, as the process said last.
    pub next: Option<Timestamp>,
}

/// A process that serves, or served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// Its name; no other process has it.
    pub name: String,
    pub version: String,
    pub listens: String,
    pub started: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// Since when it is stopping.
    pub stopping: Option<Timestamp>,
}

const COVER: &str = "
    UPDATE schedule SET covered_ms = $2 WHERE link = $1 AND (covered_ms IS NULL OR covered_ms < $2) RETURNING link";

/// None while the last one is still open: runs of one link never queue up.
const PUT: &str = "
    INSERT INTO request (kind, link, site, body, state, asked_by, asked_ms, next_ms)
    SELECT 'run_link', $1, '', $2, 'waiting', $3, $4, $5
    WHERE NOT EXISTS (SELECT 1 FROM request WHERE link = $1 AND asked_by = $3 AND finished_ms IS NULL)
    RETURNING id";

impl Schedule<'_> {
    /// Begins to watch a link; what was due before is nobody's. Gives how its schedule stands.
    pub async fn watch(self, link: &LinkName, now: Timestamp) -> Result<ScheduleRow, JournalError> {
        let mut tx = self.store.begin().await?;
        super::feed::make_link(&mut tx, link, now).await?;
        let sql = "INSERT INTO schedule (link, since_ms) VALUES ($1, $2) ON CONFLICT (link) DO NOTHING";
        tx.run(sql, args![link.as_str(), now]).await?;
        let row = tx.row("SELECT * FROM schedule WHERE link = $1", args![link.as_str()]).await?;
        tx.commit().await?;
        schedule(&row.ok_or_else(|| JournalError::NotFound { what: format!("schedule of link {link}") })?)
    }

    /// How every watched link's schedule stands.
    pub async fn list(self) -> Result<BTreeMap<LinkName, ScheduleRow>, JournalError> {
        let rows = self.store.rows("SELECT * FROM schedule", args![]).await?;
        rows.iter().map(|row| schedule(row).map(|row| (row.link.clone(), row))).collect()
    }

    /// Covers a slot, and asks for its run at `begins`. `None` where another node was first, or the link's last scheduled
    /// run is not over.
    pub async fn cover_slot(
        self,
        link: &LinkName,
        slot: Timestamp,
        begins: Timestamp,
        now: Timestamp,
    ) -> Result<Option<RequestId>, JournalError> {
        let job = Job::RunLink { link: link.clone(), purpose: Purpose::Apply, narrow: Narrow::Usual };
        let body = serde_json::to_string(&job).expect("a request is plain data");
        let mut tx = self.store.begin().await?;
        if tx.row(COVER, args![link.as_str(), slot]).await?.is_none() {
            return Ok(None);
        }
        let row = tx.row(PUT, args![link.as_str(), body, SCHEDULE, now, begins]).await?;
        let id = row.map(|row| row.int("id").map(RequestId)).transpose()?;
        tx.commit().await?;
        Ok(id)
    }

    /// Says when the next run of a link begins, for people; `None` where none will.
    pub async fn set_next(self, link: &LinkName, next: Option<Timestamp>) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        tx.run("UPDATE schedule SET next_ms = $2 WHERE link = $1", args![link.as_str(), next]).await?;
        tx.commit().await
    }

    /// Switches a link on or off, over the configuration; `None` takes the word back. An event with its author.
    pub async fn switch(
        self,
        link: &LinkName,
        enabled: Option<bool>,
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.watch(link, now).await?;
        let sql =
            "UPDATE schedule SET enabled = $2, enabled_ms = $3, enabled_by = $4, enabled_why = $5 WHERE link = $1";
        let mut tx = self.store.begin().await?;
        tx.run(sql, args![link.as_str(), enabled.map(i64::from), now, by, bounded(why)]).await?;
        let act = match enabled {
            Some(true) => "switch on",
            Some(false) => "switch off",
            None => "switch as configured",
        };
        let event = NewEvent::of(EventKind::Acted, json!({"act": act, "why": bounded(why)})).by(by);
        append(&mut tx, None, link, &[event], now).await?;
        tx.commit().await
    }
}

impl Nodes<'_> {
    /// A process serves: said at its start and every few seconds.
    pub async fn heartbeat(self, node: &NodeRow) -> Result<(), JournalError> {
        let NodeRow { name, version, listens, started, seen, stopping } = node;
        let sql = "
            INSERT INTO node (name, version, listens, started_ms, seen_ms, stopping_ms) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (name) DO UPDATE SET seen_ms = excluded.seen_ms, stopping_ms = excluded.stopping_ms";
        let mut tx = self.store.begin().await?;
        tx.run(sql, args![name, version, listens, *started, *seen, *stopping]).await?;
        tx.commit().await
    }

    /// A process ends, or was not heard of since `before`.
    pub async fn forget(self, name: &str, before: Timestamp) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        tx.run("DELETE FROM node WHERE name = $1 OR seen_ms < $2", args![name, before]).await?;
        tx.commit().await
    }

    /// The processes that serve, by name. One that was killed stays for a while: look when it was seen.
    pub async fn list(self) -> Result<Vec<NodeRow>, JournalError> {
        let rows = self.store.rows("SELECT * FROM node ORDER BY name", args![]).await?;
        let node = |row: &Row| {
            Ok(NodeRow {
                name: row.text("name")?,
                version: row.text("version")?,
                listens: row.text("listens")?,
                started: row.time("started_ms")?,
                seen: row.time("seen_ms")?,
                stopping: row.maybe_time("stopping_ms")?,
            })
        };
        rows.iter().map(node).collect()
    }
}

fn schedule(row: &Row) -> Result<ScheduleRow, JournalError> {
    let switch = match (row.maybe_int("enabled")?, row.maybe_time("enabled_ms")?) {
        (Some(enabled), Some(since)) => Some(LinkSwitch {
            enabled: enabled != 0,
            since,
            by: row.text("enabled_by")?,
            why: row.text("enabled_why")?,
        }),
        (Some(_), None) | (None, _) => None,
    };
    Ok(ScheduleRow {
        link: LinkName::new(row.text("link")?),
        switch,
        since: row.time("since_ms")?,
        covered: row.maybe_time("covered_ms")?,
        next: row.maybe_time("next_ms")?,
    })
}
