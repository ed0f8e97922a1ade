//! What people do with their own account.

use super::{fold, tell};
use crate::store::args;
use crate::{Accounts, JournalError};
use jiff::Timestamp;
use serde_json::json;

impl Accounts<'_> {
    /// Gives an account another password, as a hash, by its owner's word: `before` is the hash that was compared with. Every
    /// session but the one kept under `session` ends.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where the password is another meanwhile, or the account is shut.
    pub async fn change_own_password(
        self,
        name: &str,
        before: Option<&str>,
        hash: &str,
        session: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let name = fold(name);
        let sql = "UPDATE account SET password = $2 WHERE name = $1 AND COALESCE(password, '') = $3
            AND disabled_ms IS NULL AND subject IS NULL";
        let mut tx = self.store.begin().await?;
        if tx.run(sql, args![&name, hash, before.unwrap_or_default()]).await? == 0 {
            return Err(JournalError::Conflict {
                what: "the password was changed by somebody else meanwhile".to_owned(),
            });
        }
        tx.run("DELETE FROM session WHERE account = $1 AND hash <> $2", args![&name, session]).await?;
        tx.run("DELETE FROM login_link WHERE account = $1", args![&name]).await?;
        tell(&mut tx, json!({"act": "password changed", "account": name}), &name, now).await?;
        tx.commit().await
    }
}
