//! Sessions: who is logged in, and until when.

use super::{ACCOUNT, AccountRow, account_row};
use crate::store::args;
use crate::{JournalError, Sessions};
use jiff::{SignedDuration, Timestamp};

/// A session is noted as seen so often within the time after which it is idle.
const SEEN_WITHIN_IDLE: i32 = 4;

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub account: AccountRow,
    pub made: Timestamp,
    pub expires: Timestamp,
}

impl Sessions<'_> {
    /// Logs an account in; `hash` is what the cookie's value hashes to. Sessions that are over are swept out on the way.
    pub async fn open(self, account: &str, hash: &str, expires: Timestamp, now: Timestamp) -> Result<(), JournalError> {
        let sql = "INSERT INTO session (hash, account, made_ms, seen_ms, expires_ms) VALUES ($1, $2, $3, $3, $4)";
        let mut tx = self.store.begin().await?;
        tx.run("DELETE FROM session WHERE expires_ms <= $1", args![now]).await?;
        tx.run(sql, args![hash, account, now, expires]).await?;
        tx.run("UPDATE account SET login_ms = $2 WHERE name = $1", args![account, now]).await?;
        tx.commit().await
    }

    /// The session of a cookie, if it still holds: not over, not idle for so long, the account not shut. Where `is_seen`, it is
    /// noted as seen, a few times within `idle` only: a page must not cost a write.
    pub async fn find(
        self,
        hash: &str,
        idle: SignedDuration,
        is_seen: bool,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, JournalError> {
        let sql = format!(
            "{ACCOUNT}, session.made_ms AS since_ms, session.seen_ms, session.expires_ms
             FROM session JOIN account ON account.name = session.account
             WHERE session.hash = $1 AND session.expires_ms > $2 AND session.seen_ms >= $3
                AND account.disabled_ms IS NULL"
        );
        let Some(row) = self.store.row(&sql, args![hash, now, now.checked_sub(idle).unwrap_or(Timestamp::MIN)]).await?
        else {
            return Ok(None);
        };
        let seen = row.time("seen_ms")?;
        if is_seen && now.duration_since(seen) >= idle / SEEN_WITHIN_IDLE {
            let mut tx = self.store.begin().await?;
            tx.run("UPDATE session SET seen_ms = $2 WHERE hash = $1", args![hash, now]).await?;
            tx.commit().await?;
        }
        Ok(Some(SessionRow {
            account: account_row(&row)?,
            made: row.time("since_ms")?,
            expires: row.time("expires_ms")?,
        }))
    }

    pub async fn close(self, hash: &str) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        tx.run("DELETE FROM session WHERE hash = $1", args![hash]).await?;
        tx.commit().await
    }
}
