//! A backup takes the place of a SQLite journal.
//!
//! The journal that was there is kept beside it. What was done after the backup is no longer known: intake finds it in
//! Moodle and does nothing twice, but completions that were accepted since would be reported once more. So the links that
//! report them are paused, until a person has looked.

use crate::runs::{NewEvent, append};
use crate::store::{args, make_private};
use crate::{Journal, JournalError, OpenOptions};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::LinkName;
use rollbook_core::run::EventKind;
use serde_json::json;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A process that was heard of within this time may still be writing.
const HEARD: SignedDuration = SignedDuration::from_secs(90);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the journal that was replaced is now.
    pub replaced: Option<PathBuf>,
    /// The newest moment that the backup knows of.
    pub newest: Option<Timestamp>,
    /// The links that were paused.
    pub paused: Vec<LinkName>,
    /// Access that was withdrawn since the backup, and is withdrawn again.
    pub withdrawn: Access,
    /// Whether the journal before could be read: else nobody knows what was withdrawn since.
    pub is_compared: bool,
}

/// Accounts and tokens, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Accounts that were disabled, or had a lower role.
    pub accounts: Vec<String>,
    /// Tokens that were revoked.
    pub tokens: Vec<String>,
}

/// Puts a backup in the place of the journal at `place`, and pauses `reporting`.
///
/// # Errors
/// [`JournalError::Damaged`] or [`JournalError::TooNew`] where the backup is of no use, [`JournalError::Conflict`] where a
/// process still uses the journal, [`JournalError::CannotOpen`] for a file that cannot be read or written. The journal that
/// was there is untouched then.
pub async fn restore(
    backup: &Path,
    place: &Path,
    reporting: &[LinkName],
    by: &str,
    now: Timestamp,
) -> Result<Restored, JournalError> {
    let fresh = beside(place, "restoring");
    let _gone = fs::remove_file(&fresh);
    copy(backup, &fresh).map_err(|error| unusable(backup, &error))?;
    let opened = prove(&fresh, reporting, by, now).await;
    let (newest, paused) = match opened {
        Ok(proven) => proven,
        Err(error) => {
            discard(&fresh);
            return Err(error);
        }
    };
    if let Err(error) = nobody_writes(place, now).await {
        discard(&fresh);
        return Err(error);
    }
    let (withdrawn, is_compared) = match withdraw_again(place, &fresh, by, now).await {
        Ok(Some(withdrawn)) => (withdrawn, true),
        Ok(None) => (Access::default(), false),
        Err(error) => {
            discard(&fresh);
            return Err(error);
        }
    };
    let replaced = put_aside(place, now).map_err(|error| unusable(place, &error))?;
    fs::rename(&fresh, place).map_err(|error| unusable(place, &error))?;
    Ok(Restored { replaced, newest, paused, withdrawn, is_compared })
}

/// A backup gives accounts and tokens the access that they had then. What was withdrawn since is withdrawn again, until a person
/// gives it anew. `None` where the present journal cannot be read.
async fn withdraw_again(place: &Path, fresh: &Path, by: &str, now: Timestamp) -> Result<Option<Access>, JournalError> {
    if !place.exists() {
        return Ok(None);
    }
    let Ok(present) = Journal::open(&place.display().to_string(), &OpenOptions::default()).await else {
        return Ok(None);
    };
    let read = async { Ok::<_, JournalError>((present.accounts().list().await?, present.tokens().list().await?)) };
    let read = read.await;
    present.close().await;
    let Ok((accounts, tokens)) = read else { return Ok(None) };
    let restored = Journal::open(&fresh.display().to_string(), &OpenOptions::default()).await?;
    let withdrawn = async {
        let mut withdrawn = Access::default();
        for account in restored.accounts().list().await? {
            let known = accounts.iter().find(|known| known.name == account.name);
            let had_less = known.is_some_and(|known| known.disabled.is_some() || known.role < account.role);
            if had_less && account.disabled.is_none() {
                // Even of the last administrator: whoever restores has the command line to add another.
                let mut tx = restored.store.begin().await?;
                tx.run("UPDATE account SET disabled_ms = $2 WHERE name = $1", args![&account.name, now]).await?;
                let payload = json!({"act": "account disabled", "account": account.name});
                append(&mut tx, None, &LinkName::new(""), &[NewEvent::of(EventKind::Acted, payload).by(by)], now)
                    .await?;
                tx.commit().await?;
                withdrawn.accounts.push(account.name);
            }
        }
        for token in restored.tokens().list().await?.into_iter().filter(|token| token.revoked.is_none()) {
            let known = tokens.iter().find(|known| known.id == token.id && known.made == token.made);
            if known.is_some_and(|known| known.revoked.is_some()) {
                restored.tokens().revoke(token.id, by, now).await?;
                withdrawn.tokens.push(token.name);
            }
        }
        Ok(withdrawn)
    };
    let withdrawn = withdrawn.await;
    restored.close().await;
    withdrawn.map(Some)
}

/// Opens the copy, which brings its schema up to date, reads it whole, and readies it.
async fn prove(
    fresh: &Path,
    reporting: &[LinkName],
    by: &str,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Vec<LinkName>), JournalError> {
    let journal = Journal::open(&fresh.display().to_string(), &OpenOptions::default()).await?;
    let checked = journal.maintenance().check().await?;
    if let Some(damage) = checked.damage.first() {
        journal.close().await;
        return Err(JournalError::Conflict { what: format!("the backup is damaged: {damage}") });
    }
    let newest = journal.store.row("SELECT MAX(at_ms) AS at_ms FROM event", args![]).await?;
    let newest = newest.map_or(Ok(None), |row| row.maybe_time("at_ms"))?;
    let known = journal.links().names().await?;
    let mut paused = Vec::new();
    for link in reporting.iter().filter(|link| known.contains(link)) {
        if journal.links().state(link).await?.paused.is_none() {
            journal
                .links()
                .pause(link, by, "restored from a backup: completions since may have been reported", now)
                .await?;
            paused.push(link.clone());
        }
    }
    let mut tx = journal.store.begin().await?;
    // Whoever held a lease or served when the copy was made does so no longer.
    tx.run("UPDATE lease SET holder = NULL", args![]).await?;
    tx.run("DELETE FROM node", args![]).await?;
    // Whoever was logged in then may have no access any more.
    tx.run("DELETE FROM session", args![]).await?;
    tx.run("DELETE FROM login_link", args![]).await?;
    let payload = json!({"act": "restore", "newest": newest.map(|at| at.to_string())});
    append(&mut tx, None, &LinkName::new(""), &[NewEvent::of(EventKind::Acted, payload).by(by)], now).await?;
    tx.commit().await?;
    journal.close().await;
    Ok((newest, paused))
}

/// A journal that cannot be opened is nobody's: that is why it is replaced.
async fn nobody_writes(place: &Path, now: Timestamp) -> Result<(), JournalError> {
    if !place.exists() {
        return Ok(());
    }
    let Ok(journal) = Journal::open(&place.display().to_string(), &OpenOptions::default()).await else {
        return Ok(());
    };
    let busy = "SELECT holder AS name FROM lease WHERE holder IS NOT NULL AND expires_ms > $1
        UNION ALL SELECT name FROM node WHERE seen_ms > $2 AND stopping_ms IS NULL LIMIT 1";
    let heard = now.checked_sub(HEARD).unwrap_or(now);
    let found = journal.store.row(busy, args![now, heard]).await;
    journal.close().await;
    match found {
        Ok(Some(row)) => Err(JournalError::Conflict {
            what: format!("the journal is in use by {}: stop it first", row.text("name")?),
        }),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Moves the journal and its side files away, so that none of them is taken for the new one's.
fn put_aside(place: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    if !place.exists() {
        return Ok(None);
    }
    let name = format!("replaced-{}", now.strftime("%Y%m%dT%H%M%SZ"));
    for side in ["-wal", "-shm"] {
        let (from, to) = (with(place, side), with(&beside(place, &name), side));
        if from.exists() {
            fs::rename(from, to)?;
        }
    }
    let aside = beside(place, &name);
    fs::rename(place, &aside)?;
    Ok(Some(aside))
}

/// A copy that has reached the disk.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, make_private(to)?);
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}

fn discard(fresh: &Path) {
    for side in ["", "-wal", "-shm"] {
        let _gone = fs::remove_file(with(fresh, side));
    }
}

fn beside(place: &Path, word: &str) -> PathBuf {
    with(place, &format!(".{word}"))
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn unusable(path: &Path, error: &io::Error) -> JournalError {
    JournalError::CannotOpen { what: format!("{}: {error}", path.display()) }
}
