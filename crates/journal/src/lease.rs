//! The right to run a link now, and the proof of it that every write of a run carries.
//!
//! A lease has a fence: a number that grows with each holder. A write is let through only while the fence in the table is
//! the writer's, so a process that slept through its own end can do no harm. Who lost it must stop at once.

use super::runs::{NewEvent, append};
use super::store::{Tx, args};
use super::{JournalError, Leases};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::run::EventKind;
use serde_json::json;

/// The right to run a link, until it expires or is given back. Renew it well before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    link: LinkName,
    holder: String,
    fence: i64,
    abandoned: Vec<RunId>,
}

impl Lease {
    /// The link that may be run.
    pub fn link(&self) -> &LinkName {
        &self.link
    }

    /// Who holds it: a name that no other process has.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The fence: larger than that of any earlier holder.
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// Runs that an earlier holder left without an end; they are marked as abandoned now.
    pub fn abandoned(&self) -> &[RunId] {
        &self.abandoned
    }

    fn lost(&self) -> JournalError {
        JournalError::LeaseLost { link: self.link.clone() }
    }

    /// Proves inside a transaction that the lease holds, and keeps it from being taken until the transaction ends.
    pub(super) async fn prove(&self, tx: &mut Tx) -> Result<(), JournalError> {
        let sql = "SELECT fence FROM lease WHERE link = $1 AND fence = $2 AND holder = $3 {lock}";
        let row = tx.row(sql, args![self.link.as_str(), self.fence, &self.holder]).await?;
        row.map(|_| ()).ok_or_else(|| self.lost())
    }
}

const TAKE: &str = "
    INSERT INTO lease (link, holder, fence, acquired_ms, expires_ms) VALUES ($1, $2, 1, $3, $4)
    ON CONFLICT (link) DO UPDATE SET
        holder = excluded.holder, fence = lease.fence + 1,
        acquired_ms = excluded.acquired_ms, expires_ms = excluded.expires_ms
    WHERE lease.holder IS NULL OR lease.expires_ms <= $3
    RETURNING fence";

const ABANDON: &str = "
    UPDATE run SET state = 'abandoned', ended_ms = $2, reason = 'the process ended unexpectedly'
    WHERE link = $1 AND state = 'running' RETURNING id";

impl Leases<'_> {
    /// Takes the lease of a link for `ttl`, over an expired one too. Runs that were left without an end become abandoned.
    ///
    /// # Errors
    /// [`JournalError::LeaseHeld`] says who runs the link and since when.
    pub async fn acquire(
        self,
        link: &LinkName,
        holder: &str,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Lease, JournalError> {
        let mut tx = self.store.begin().await?;
        super::feed::make_link(&mut tx, link, now).await?;
        let until = end(now, ttl);
        let Some(row) = tx.row(TAKE, args![link.as_str(), holder, now, until]).await? else {
            return Err(held(&mut tx, link).await?);
        };
        let fence = row.int("fence")?;
        let mut abandoned = Vec::new();
        for row in tx.rows(ABANDON, args![link.as_str(), now]).await? {
            let run = RunId::new(row.text("id")?);
            let payload = json!({"state": "abandoned", "noticed_by": holder});
            let event = NewEvent::of(EventKind::Ended, payload);
            append(&mut tx, Some(&run), link, &[event], now).await?;
            abandoned.push(run);
        }
        tx.commit().await?;
        Ok(Lease { link: link.clone(), holder: holder.to_owned(), fence, abandoned })
    }

    /// Keeps the lease for another `ttl` from now.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn renew(self, lease: &Lease, ttl: SignedDuration, now: Timestamp) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        let sql = "UPDATE lease SET expires_ms = $4 WHERE link = $1 AND fence = $2 AND holder = $3";
        let args = args![lease.link.as_str(), lease.fence, &lease.holder, end(now, ttl)];
        if tx.run(sql, args).await? == 0 {
            return Err(lease.lost());
        }
        tx.commit().await
    }

    /// Proves that the lease is held now, and for at least half of `ttl` from now on: renewed where less is left. What is sent
    /// to a remote system after this is sent by the holder.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn hold(&self, lease: &Lease, ttl: SignedDuration, now: Timestamp) -> Result<(), JournalError> {
        let sql = "SELECT expires_ms FROM lease WHERE link = $1 AND fence = $2 AND holder = $3";
        let row = self.store.row(sql, args![lease.link.as_str(), lease.fence, &lease.holder]).await?;
        let expires = row.ok_or_else(|| lease.lost())?.time("expires_ms")?;
        if expires.duration_since(now) >= ttl / 2 { Ok(()) } else { self.renew(lease, ttl, now).await }
    }

    /// Until when somebody may run the link, unless that is renewed; `None` where it is free.
    pub async fn held_until(self, link: &LinkName, now: Timestamp) -> Result<Option<Timestamp>, JournalError> {
        let sql = "SELECT expires_ms FROM lease WHERE link = $1 AND holder IS NOT NULL AND expires_ms > $2";
        self.store.row(sql, args![link.as_str(), now]).await?.map(|row| row.time("expires_ms")).transpose()
    }

    /// Gives the lease back. One that was lost already is left to its new holder.
    pub async fn release(self, lease: Lease) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        let sql = "UPDATE lease SET holder = NULL WHERE link = $1 AND fence = $2 AND holder = $3";
        tx.run(sql, args![lease.link.as_str(), lease.fence, &lease.holder]).await?;
        tx.commit().await
    }
}

async fn held(tx: &mut Tx, link: &LinkName) -> Result<JournalError, JournalError> {
    let sql = "SELECT holder, acquired_ms, expires_ms FROM lease WHERE link = $1";
    let row = tx.row(sql, args![link.as_str()]).await?;
    let row = row.ok_or_else(|| JournalError::NotFound { what: format!("lease of link {link}") })?;
    Ok(JournalError::LeaseHeld {
        link: link.clone(),
        by: row.maybe_text("holder")?.unwrap_or_default(),
        since: row.time("acquired_ms")?,
        until: row.time("expires_ms")?,
    })
}

fn end(now: Timestamp, ttl: SignedDuration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}
