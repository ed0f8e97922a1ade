//! Failed logins, which are counted, and links that log in once.

use super::{ACCOUNT, AccountRow, account_row, fold, missing, record_act};
use crate::store::args;
use crate::{Accounts, JournalError};
use jiff::Timestamp;
use serde_json::json;

impl Accounts<'_> {
    /// How many logins failed for a subject (an account's name, an address) since a moment.
    pub async fn failed_logins(self, subject: &str, since: Timestamp) -> Result<u64, JournalError> {
        let sql = "SELECT COUNT(*) AS total FROM login_try WHERE subject = $1 AND at_ms > $2";
        self.store.row(sql, args![fold(subject), since]).await?.map_or(Ok(0), |row| row.count("total"))
    }

    /// Notes a failed login for each subject; what is older than `forget` is swept out.
    pub async fn record_failed_login(
        self,
        subjects: &[&str],
        forget: Timestamp,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        tx.run("DELETE FROM login_try WHERE at_ms < $1", args![forget]).await?;
        for subject in subjects {
            let sql = "INSERT INTO login_try (subject, at_ms) VALUES ($1, $2)";
            tx.run(sql, args![fold(subject), now]).await?;
        }
        tx.commit().await
    }

    /// Withdraws what was noted at a moment: that login did not fail.
    pub async fn withdraw_failed_login(self, subjects: &[&str], at: Timestamp) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        for subject in subjects {
            tx.run("DELETE FROM login_try WHERE subject = $1 AND at_ms = $2", args![fold(subject), at]).await?;
        }
        tx.commit().await
    }

    /// Forgets the failed logins of an account: somebody got in.
    pub async fn clear_failed_logins(self, subject: &str) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        tx.run("DELETE FROM login_try WHERE subject = $1", args![fold(subject)]).await?;
        tx.commit().await
    }

    /// Keeps a link that logs an account in, once; `hash` is what its secret hashes to.
    ///
    /// # Errors
    /// [`JournalError::NotFound`].
    pub async fn add_login_link(
        self,
        account: &str,
        hash: &str,
        expires: Timestamp,
        by: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let name = fold(account);
        if self.find(&name).await?.is_none() {
            return Err(missing(&name));
        }
        let mut tx = self.store.begin().await?;
        tx.run("DELETE FROM login_link WHERE expires_ms <= $1", args![now]).await?;
        let sql = "INSERT INTO login_link (hash, account, expires_ms) VALUES ($1, $2, $3)";
        tx.run(sql, args![hash, &name, expires]).await?;
        let act = json!({"act": "login link made", "account": name, "expires": expires.to_string()});
        record_act(&mut tx, act, by, now).await?;
        tx.commit().await
    }

    /// Uses a link up; gives whom it logs in. Nobody, where it was used, is too old, or the account is shut.
    pub async fn use_login_link(self, hash: &str, now: Timestamp) -> Result<Option<AccountRow>, JournalError> {
        let mut tx = self.store.begin().await?;
        let gone = "DELETE FROM login_link WHERE hash = $1 AND expires_ms > $2 RETURNING account";
        let Some(link) = tx.row(gone, args![hash, now]).await? else { return Ok(None) };
        let sql = format!("{ACCOUNT} FROM account WHERE name = $1 AND disabled_ms IS NULL");
        let row = tx.row(&sql, args![link.text("account")?]).await?;
        let account = row.as_ref().map(account_row).transpose()?;
        tx.commit().await?;
        Ok(account)
    }
}
