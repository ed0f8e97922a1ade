//! Who may look and act: accounts, their sessions and login links, failed logins, and the tokens of programs.
//!
//! It keeps hashes and never sees what they are of. What a role may do is not its business. Every act on an account is an
//! event with its author, on no link. Next: `session`, `login`, then `token`.

mod login;
mod session;
mod token;

pub use session::SessionRow;
pub use token::{NewToken, TokenRow};

use super::runs::{NewEvent, append};
use super::store::{Row, Tx, args};
use super::{Accounts, JournalError};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::model::RoleName;
use rollbook_core::run::EventKind;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its name, folded.
    pub name: String,
    pub role: RoleName,
    /// The hash of its password; none where it has no password.
    pub password: Option<String>,
    /// Whether it comes from single sign-on.
    pub is_foreign: bool,
    pub made: Timestamp,
    pub made_by: String,
    /// Since when nobody gets in with it.
    pub disabled: Option<Timestamp>,
    /// When somebody got in with it last.
    pub login: Option<Timestamp>,
}

const ACCOUNT: &str = "SELECT account.name, account.role, account.password, account.subject, account.made_ms,
    account.made_by, account.disabled_ms, account.login_ms";

impl Accounts<'_> {
    /// Every account, by name.
    pub async fn list(self) -> Result<Vec<AccountRow>, JournalError> {
        let rows = self.store.rows(&format!("{ACCOUNT} FROM account ORDER BY name"), args![]).await?;
        rows.iter().map(account_row).collect()
    }

    /// The account of a name, whatever its case.
    pub async fn find(self, name: &str) -> Result<Option<AccountRow>, JournalError> {
        let sql = format!("{ACCOUNT} FROM account WHERE name = $1");
        self.store.row(&sql, args![fold(name)]).await?.as_ref().map(account_row).transpose()
    }

    /// Makes an account; `password` is a hash.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where the name is taken.
    pub async fn add(
        self,
        name: &str,
        role: RoleName,
        password: Option<&str>,
        by: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let name = fold(name);
        let sql = "INSERT INTO account (name, role, password, made_ms, made_by) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO NOTHING";
        let mut tx = self.store.begin().await?;
        if tx.run(sql, args![&name, role.as_str(), password, now, by]).await? == 0 {
            return Err(JournalError::Conflict { what: format!("there is an account {name} already") });
        }
        record_act(&mut tx, json!({"act": "account added", "account": name, "role": role.as_str()}), by, now).await?;
        tx.commit().await
    }

    /// The account of somebody whom single sign-on vouches for, made at the first time. `subject` is the issuer with its own
    /// id for the person. The role is what the issuer says now.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where the name belongs to another account: nobody takes one over by a name.
    pub async fn from_single_sign_on(
        self,
        subject: &str,
        name: &str,
        role: RoleName,
        now: Timestamp,
    ) -> Result<AccountRow, JournalError> {
        let name = fold(name);
        let mut tx = self.store.begin().await?;
        let find = format!("{ACCOUNT} FROM account WHERE subject = $1");
        let found = tx.row(&find, args![subject]).await?.as_ref().map(account_row).transpose()?;
        match &found {
            Some(known) if known.role == role => {}
            Some(known) => {
                tx.run("UPDATE account SET role = $2 WHERE subject = $1", args![subject, role.as_str()]).await?;
                let act = json!({"act": "role given by single sign-on", "account": known.name, "role": role.as_str()});
                record_act(&mut tx, act, &known.name, now).await?;
            }
            None => {
                let sql = "INSERT INTO account (name, role, subject, made_ms, made_by)
                    VALUES ($1, $2, $3, $4, 'single sign-on') ON CONFLICT (name) DO NOTHING";
                if tx.run(sql, args![&name, role.as_str(), subject, now]).await? == 0 {
                    return Err(JournalError::Conflict { what: format!("the account {name} is somebody else's") });
                }
                let act = json!({"act": "account added", "account": name, "role": role.as_str()});
                record_act(&mut tx, act, "single sign-on", now).await?;
            }
        }
        let row = tx.row(&find, args![subject]).await?;
        let account = account_row(&row.ok_or_else(|| missing(&name))?)?;
        tx.commit().await?;
        Ok(account)
    }

    /// Gives an account another role, and ends its sessions.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Conflict`] where nobody would be left who manages accounts.
    pub async fn set_role(self, name: &str, role: RoleName, by: &str, now: Timestamp) -> Result<(), JournalError> {
        let act = json!({"act": "role given", "account": fold(name), "role": role.as_str()});
        self.change("UPDATE account SET role = $2 WHERE name = $1", name, Some(role.as_str()), act, by, now).await
    }

    /// Gives an account another password, as a hash, and ends its sessions.
    ///
    /// # Errors
    /// [`JournalError::NotFound`].
    pub async fn set_password(self, name: &str, hash: &str, by: &str, now: Timestamp) -> Result<(), JournalError> {
        let act = json!({"act": "password given", "account": fold(name)});
        self.change("UPDATE account SET password = $2 WHERE name = $1", name, Some(hash), act, by, now).await
    }

    /// Shuts an account and ends its sessions, or opens it again.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Conflict`] where nobody would be left who manages accounts.
    pub async fn set_disabled(self, name: &str, shut: bool, by: &str, now: Timestamp) -> Result<(), JournalError> {
        let (sql, word) = if shut {
            ("UPDATE account SET disabled_ms = COALESCE(disabled_ms, $3) WHERE name = $1 AND $2 = ''", "disabled")
        } else {
            ("UPDATE account SET disabled_ms = NULL WHERE name = $1 AND $2 = '' AND $3 > 0", "enabled")
        };
        let act = json!({"act": format!("account {word}"), "account": fold(name)});
        self.change(sql, name, None, act, by, now).await
    }

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
        record_act(&mut tx, json!({"act": "password changed", "account": name}), &name, now).await?;
        tx.commit().await
    }

    /// `$1` is the name, `$2` the value, `$3` now where there is no value.
    async fn change(
        self,
        sql: &str,
        name: &str,
        value: Option<&str>,
        act: Value,
        by: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let name = fold(name);
        let mut tx = self.store.begin().await?;
        let administrators = administrators(&mut tx).await?;
        let args = if let Some(value) = value { args![&name, value] } else { args![&name, "", now] };
        if tx.run(sql, args).await? == 0 {
            return Err(missing(&name));
        }
        if administrators > 0 && self::administrators(&mut tx).await? == 0 {
            return Err(JournalError::Conflict {
                what: format!("{name} is the last administrator: nobody could manage accounts any more"),
            });
        }
        tx.run("DELETE FROM session WHERE account = $1", args![&name]).await?;
        record_act(&mut tx, act, by, now).await?;
        tx.commit().await
    }
}

async fn administrators(tx: &mut Tx) -> Result<usize, JournalError> {
    // Locked: of two who take each other's role away at once, the second is refused.
    let sql = "SELECT name FROM account WHERE role = 'administrator' AND disabled_ms IS NULL {lock}";
    Ok(tx.rows(sql, args![]).await?.len())
}

async fn record_act(tx: &mut Tx, act: Value, by: &str, now: Timestamp) -> Result<(), JournalError> {
    append(tx, None, &LinkName::new(""), &[NewEvent::of(EventKind::Acted, act).by(by)], now).await
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

fn missing(name: &str) -> JournalError {
    JournalError::NotFound { what: format!("account {name}") }
}

fn account_row(row: &Row) -> Result<AccountRow, JournalError> {
    Ok(AccountRow {
        name: row.text("name")?,
        role: row.word("role", RoleName::read)?,
        password: row.maybe_text("password")?,
        is_foreign: row.maybe_text("subject")?.is_some(),
        made: row.time("made_ms")?,
        made_by: row.text("made_by")?,
        disabled: row.maybe_time("disabled_ms")?,
        login: row.maybe_time("login_ms")?,
    })
}
