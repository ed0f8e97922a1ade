//! Tokens of programs: a scope, an end, and only the hash.

use super::record_act;
use crate::store::{Row, args};
use crate::{JournalError, Tokens};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// A token is noted as used at most so often.
const USED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A token to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken<'a> {
    pub name: &'a str,
    /// What its secret hashes to.
    pub hash: &'a str,
    /// What it may do: words with blanks between them.
    pub scope: &'a str,
    pub expires: Timestamp,
}

/// A token as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub id: i64,
    pub name: String,
    pub scope: String,
    pub made: Timestamp,
    pub made_by: String,
    pub expires: Timestamp,
    pub revoked: Option<Timestamp>,
    /// When it was used last.
    pub used: Option<Timestamp>,
}

const TOKEN: &str = "SELECT id, name, scope, made_ms, made_by, expires_ms, revoked_ms, used_ms FROM api_token";

impl Tokens<'_> {
    /// Keeps a token; gives its number.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where one of the name holds already.
    pub async fn add(self, token: &NewToken<'_>, by: &str, now: Timestamp) -> Result<i64, JournalError> {
        let NewToken { name, hash, scope, expires } = token;
        let mut tx = self.store.begin().await?;
        let same = "SELECT id FROM api_token WHERE name = $1 AND revoked_ms IS NULL AND expires_ms > $2";
        if tx.row(same, args![*name, now]).await?.is_some() {
            return Err(JournalError::Conflict { what: format!("there is a token {name} already") });
        }
        let sql = "INSERT INTO api_token (name, hash, scope, made_ms, made_by, expires_ms)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
        let row = tx.row(sql, args![*name, *hash, *scope, now, by, *expires]).await?;
        let id = row.ok_or_else(|| JournalError::NotFound { what: "token that was kept just now".to_owned() })?;
        let id = id.int("id")?;
        let act = json!({"act": "token added", "token": name, "scope": scope, "expires": expires.to_string()});
        record_act(&mut tx, act, by, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Every token, the newest first.
    pub async fn list(self) -> Result<Vec<TokenRow>, JournalError> {
        let rows = self.store.rows(&format!("{TOKEN} ORDER BY id DESC LIMIT 1000"), args![]).await?;
        rows.iter().map(token_row).collect()
    }

    /// The token of a hash, if it still holds.
    pub async fn find(self, hash: &str, now: Timestamp) -> Result<Option<TokenRow>, JournalError> {
        let sql = format!("{TOKEN} WHERE hash = $1 AND revoked_ms IS NULL AND expires_ms > $2");
        let Some(row) = self.store.row(&sql, args![hash, now]).await? else { return Ok(None) };
        let token = token_row(&row)?;
        if token.used.is_none_or(|used| now.duration_since(used) >= USED_EVERY) {
            let mut tx = self.store.begin().await?;
            tx.run("UPDATE api_token SET used_ms = $2 WHERE id = $1", args![token.id, now]).await?;
            tx.commit().await?;
        }
        Ok(Some(token))
    }

    /// Ends a token.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] where there is none of the number, or it was revoked already.
    pub async fn revoke(self, id: i64, by: &str, now: Timestamp) -> Result<(), JournalError> {
        let sql = "UPDATE api_token SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL RETURNING name";
        let mut tx = self.store.begin().await?;
        let row = tx.row(sql, args![id, now]).await?;
        let name = row.ok_or_else(|| JournalError::NotFound { what: format!("token {id} that holds") })?;
        record_act(&mut tx, json!({"act": "token revoked", "token": name.text("name")?}), by, now).await?;
        tx.commit().await
    }
}

fn token_row(row: &Row) -> Result<TokenRow, JournalError> {
    Ok(TokenRow {
        id: row.int("id")?,
        name: row.text("name")?,
        scope: row.text("scope")?,
        made: row.time("made_ms")?,
        made_by: row.text("made_by")?,
        expires: row.time("expires_ms")?,
        revoked: row.maybe_time("revoked_ms")?,
        used: row.maybe_time("used_ms")?,
    })
}
